// Package eid holds what an engine that runs orders and an eID service say to each other: the interface of a service, what is fixed of
// it, what an order is asked for with, and what collecting one brings.
//
// It knows no HTTP and no OIDC, of a browser only what an order was asked from, and of the store its records alone. It knows no eID:
// the words and times of each stand in its adaptor, such as login's of BankID.
package eid
