package storage

import "time"

// PushedRequest is an auth request that a client has sent ahead (RFC 9126), or that is kept between two requests of a
// browser. It is used once.
type PushedRequest struct {
	// Hash is the SHA-256 of the random part of its request_uri.
	Hash     [32]byte
	ClientID string
	// Values are the parameters as they came, checked already, without the client's credentials.
	Values  map[string][]string
	Expires time.Time
}

// ClaimsRequest names the claims that a client asked for one by one (OIDC Core §5.5), by where it wants them.
type ClaimsRequest struct {
	IDToken  []string `json:"id_token,omitempty"`
	UserInfo []string `json:"userinfo,omitempty"`
}

// UserMessage is what the client wants the person to read while logging in (Swedish OpenID Connect Request Parameter
// Extensions §2.1).
type UserMessage struct {
	// Text holds the message by BCP 47 tag; the one with tag "" serves the other languages.
	Text map[string]string `json:"text"`
	// Format is plaintext or simpleMarkdownV1, as for Policy.VisibleFormat.
	Format string `json:"format"`
}

// In returns the message for the language of the BCP 47 tag, else the untagged one, else "".
func (m *UserMessage) In(language string) string {
	if m == nil {
		return ""
	}
	if text := m.Text[language]; text != "" {
		return text
	}
	return m.Text[""]
}
