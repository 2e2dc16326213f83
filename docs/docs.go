// Package docs holds the pages for operators and developers of apps, so that whoever has the program has them too.
package docs

import "embed"

// Pages are the files *.md of this directory.
//
//go:embed *.md
var Pages embed.FS
