//go:build tools

// Package tools names the program that "make integrations" builds.
package tools

import _ "github.com/oauth2-proxy/oauth2-proxy/v7"
