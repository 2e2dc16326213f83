// Package clients owns what registering a client means: one table of its settings ([Settings]), the rules for them ([Check]), what
// follows from them ([Complete], [Derive]), what its profile demands ([CheckProfile]), and the steps in which a client is added,
// changed, given a secret and removed ([Registry]).
//
// It must not know flags, YAML or HTTP: those who register clients by such means turn them into settings and call here. Looks are
// checked by whoever shows them, before a change comes here.
package clients
