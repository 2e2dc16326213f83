package main

import (
	"strings"

	"github.com/spf13/cobra"

	"brygga/docs"
)

// topics are the pages of docs that "brygga help" shows: the word for it, the page, and what stands in its list.
var topics = [][3]string{
	{"apps", "apps.md", "What apps need: endpoints, tokens, claims"},
	{"api", "api.md", "The management API: keys, requests, answers"},
	{"bankid-api", "bankid-api.md", "BankID for back ends: keys, orders, the two dialects, errors"},
	{"audit-log", "audit.md", "The audit log: its fields, its proof, and where it goes"},
	{"backups", "backup.md", "Back up, restore and move the store"},
	{"claims", "claims.md", "What apps get: a token decoded, what to store, linking customers"},
	{"events", "events.md", "Every event of the audit log: what it means, what to do"},
	{"looks", "looks.md", "Logos, colours, texts and style sheets of the pages"},
	{"metrics", "observability.md", "The metrics, one by one, and traces"},
	{"operations", "operations.md", "Install, upgrade and watch a server; containers and Kubernetes"},
	{"operators", "operators.md", "Accounts of those who look after the installation, and mail"},
	{"console", "console.md", "The pages on which operators work"},
	{"proxies", "proxies.md", "Settings of nginx, Caddy, HAProxy and Apache in front"},
	{"trouble", "troubleshooting.md", "It does not work: messages, causes, remedies"},
	{"errors", "errors.md", "What apps are answered, and what to change"},
	{"reasons", "reasons.md", "Why logins fail, and what to do"},
	{"phone-api", "simulator.md", "The simulator of BankID, its virtual phone and control API"},
}

// newTopics returns a command for each topic. Without anything to run it is one for "brygga help" alone.
func newTopics() (commands []*cobra.Command) {
	for _, topic := range topics {
		page, err := docs.Pages.ReadFile(topic[1])
		if err != nil {
			panic(err) // the pages are part of the program
		}
		commands = append(commands, &cobra.Command{Use: topic[0], Short: topic[2], Long: strings.TrimSpace(string(page))})
	}
	return commands
}
