// Package templates holds everything a person sees of brygga: the hosted login page with its states, the error pages, the
// log-out pages and the form-post page, with their style sheet, page script, mark and message catalogues.
//
// The package turns plain values into HTML. A [Page] says what is the same on every screen of one visit (language, who
// asks, where help is), a [View] is one state of it. [Document] renders both as a whole page, [Fragment] the part that
// changes with the state, and [Update] carries such a change, or only the next QR frame, to the page script. The script
// swaps what it is sent; it holds no text and knows no state of a login. Without it every state works as plain forms and,
// while something is awaited, a page that refreshes itself.
//
// Components hold no prose. Text comes by key from the catalogues in messages/, one file for each language; a new
// language is a new file, which the tests then hold to the same keys. Texts are brygga's own, in the terms BankID uses.
//
// The package must not know where the values came from: it imports nothing else of brygga, does no I/O, reads no clock
// and keeps no state. Everything in it may be used concurrently. It does not check what is a matter of its callers: that
// a launch link belongs to the login shown, or that a form's address was registered. It does refuse addresses that could
// run script.
//
// The Go files named *_templ.go are written by `make generate` from the .templ files beside them.
package templates
