package storage

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestSizeIsWhatIsWritten: nobody gets more into the store than is counted.
func TestSizeIsWhatIsWritten(t *testing.T) {
	for _, text := range []string{"", "text", strings.Repeat("x", 4096), strings.Repeat("<>&", 1000), strings.Repeat("\"\\", 1000), strings.Repeat("\n\x01", 500), strings.Repeat("å", 500)} {
		request, pushed := AuthRequest{}, PushedRequest{Values: map[string][]string{"state": {text, text}, "claims": {text}}}
		fillWith(&request, text)
		for name, record := range map[string]struct {
			value any
			size  int
		}{"login": {requestWire(&Login{Request: &request}), request.Size()}, "pushed request": {wirePushedRequest{Values: pushed.Values}, pushed.Size()}} {
			row, err := json.Marshal(record.value)
			if err != nil {
				t.Fatal(err)
			}
			if len(row) > record.size+recordOverhead || record.size > len(row)+2*recordOverhead {
				t.Errorf("%s with %.5q…: counted as %d bytes, written as %d", name, text, record.size, len(row))
			}
		}
	}
}

func fillWith(r *AuthRequest, text string) {
	texts := []string{text, text}
	*r = AuthRequest{
		ClientID: text, RedirectURI: text, State: text, Nonce: text, CodeChallenge: text, RequiredSubject: text, ACR: text, Scopes: texts, Prompt: texts,
		ACRValues: texts, UILocales: texts, Resources: texts, Claims: ClaimsRequest{IDToken: texts, UserInfo: texts},
		UserMessage: &UserMessage{Text: map[string]string{"sv": text, "en": text}}, Payment: &Payment{Type: text, Recipient: text, Amount: text, Currency: text, RiskWarning: text, RiskFlags: texts},
	}
}
