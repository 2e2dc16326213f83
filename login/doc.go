// Package login owns one login from auth request to identity: it makes orders, collects them on the server whether or not
// a browser listens, renews them, checks their result and binds the result to the browser that started.
//
// It must not know HTTP, HTML or OIDC, nor the wire of any eID service: those come as a [Method]. The state of a login is
// in the store alone; the only thing kept in memory is which orders this process collects. docs/login.md has the picture
// of the states; every transition is a method of storage.Login, and every step returns to collector.step, which reads the
// login and picks what comes next.
package login
