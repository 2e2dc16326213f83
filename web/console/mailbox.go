package console

import (
	"regexp"
	"strings"
	"time"

	"brygga/storage"
)

// Letter is a message that a development installation would have sent.
type Letter struct {
	At                time.Time
	To, Subject, Text string
}

// Mailbox has the messages of a development installation.
type Mailbox interface {
	// Letters returns them, the newest first.
	Letters() []Letter
}

// mailboxPages show the mail of a development installation, also to who is not logged in yet: the link that it needs for that stands there.
func mailboxPages() []page {
	return []page{{pattern: "GET /mailbox", handle: showMailbox, access: anybody}}
}

func showMailbox(v *visit) error {
	if v.Mailbox == nil {
		return storage.ErrNotFound
	}
	return v.show(v.text("mailbox.title"), mailboxBody(v, v.Mailbox.Letters()))
}

var address = regexp.MustCompile(`https?://\S+`)

// piece is a part of a text, which leads to an address where it is one.
type piece struct{ text, href string }

// pieces parts a text at the addresses in it. Those of the console alone can be followed.
func (v *visit) pieces(text string) (all []piece) {
	at := 0
	for _, found := range address.FindAllStringIndex(text, -1) {
		link := text[found[0]:found[1]]
		all = append(all, piece{text: text[at:found[0]]})
		if strings.HasPrefix(link, v.URL+"/") {
			all = append(all, piece{link, link})
		} else {
			all = append(all, piece{text: link})
		}
		at = found[1]
	}
	return append(all, piece{text: text[at:]})
}
