// Package console serves the pages on which operators work, at /admin/: a face of package admin, as the command line and the API are.
//
// It turns requests into calls of package admin, and of package account for what concerns the operator's own account, and their answers into
// HTML. It holds no rule: who may do something is looked at there, and asked here only to offer nothing in vain. What it holds itself is
// what a browser needs: sessions in a cookie, requests of other sites refused (CSRF), nothing kept by caches. Every page works without
// JavaScript.
//
// # A page
//
// Who adds a page writes four things, all in files of their own area, such as clients.go, clients.templ and texts/clients.yaml:
//
//   - a line in the area's list of pages, which [pages] joins with the others: its pattern, the operation of package admin that it is for, and its
//     handler. The operation decides who gets the page, and whether the operator has to prove anew who it is; a role matrix in the tests
//     holds every page against it.
//   - the handler, func(*visit) error. It calls the operation as v.actor, and ends with one of v.show (a page), v.leave (to another page, with a
//     message there: every POST that did something), v.refuse (the same form again, with its faults) and v.file (a download). An error that it
//     returns becomes the page that fits: not found, may not, changed meanwhile, prove who you are, or a fault of ours with a reference.
//   - the component, in templ: what stands below the heading. Text comes by key from the catalogue: v.text with a key. Forms use
//     [inputField] and its like over a *form; lists use *list, whose filter and cursor are the address; charts use [chart].
//   - the texts, one line for each key with all languages. A test asks for every key that the code names, and for no other.
//
// Its test is a line in the table of pages that are looked at in a browser (axe), and one that fails without what the page promises.
package console
