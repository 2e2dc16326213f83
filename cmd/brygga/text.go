package main

import (
	"strings"

	"brygga/storage"
)

// visibleTexts are what the BankID app shows before a person logs in, by language: for which app they identify themselves.
// It is the person's own guard against being tricked into somebody else's login.
var visibleTexts = map[string]string{
	"sv": "Jag legitimerar mig för att logga in på {client}.",
	"en": "I identify myself to log in to {client}.",
}

func visibleText(client *storage.Client, language string) string {
	language, _, _ = strings.Cut(language, "-")
	text, ok := visibleTexts[language]
	if !ok {
		language, text = "sv", visibleTexts["sv"]
	}
	return strings.ReplaceAll(text, "{client}", client.NameIn(language))
}
