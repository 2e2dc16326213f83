// Package netidlogin is Net iD Access as a method of logging in: what package eid asks of one, over package netid.
//
// An order lives for three minutes, is asked for each three seconds, is never renewed and cannot be cancelled: one that is given up ends by itself. On
// the device with the page a launch link starts the app, and the person is whoever holds the credential; the redirect of the link leads back with the
// nonce of the login. On another device there is no code to scan: the person is named, by rules for what may be typed, and that person's app asks. Anybody
// who knows an identifier could have such an order sent to its owner, so it must be switched on; the engine sees to it that nobody learns who has a credential.
//
// An identity is made of the certificate alone, and only when the whole result is proven, whatever the engine does with proofs. A text is
// signed together with a hash of it, a salt of the order and the data of whoever asks, so that the record of evidence proves where it ends.
package netidlogin
