// Package conformance checks a started OpenID provider from outside, over HTTP alone, against what the specifications say: OpenID
// Connect Core, Discovery, RP-Initiated and Back-Channel Logout, Form Post, the OAuth RFCs around them, and the Swedish OpenID
// Connect Profile. Each check states one rule, names its section, and passes or fails; it does not apply only where the provider's
// own metadata says that it lacks an optional feature.
//
// The package knows no provider. It imports nothing of brygga's and no library that makes providers, so that it shares no mistake
// with what it checks. [Config] says which clients are registered for it and how a person logs in; [StartBrygga] makes one for a
// brygga of its own, run as a process.
//
// Left out are rules that HTTP does not show, such as how keys are stored, and those on TLS, which a proxy may keep in the
// provider's place.
package conformance
