package storage

// recordOverhead is about what a record takes in a store beside its texts: its other fields, rows of indexes and free room.
const recordOverhead = 1 << 10

// Size returns about how many bytes a login takes in a store that was begun with the request.
func (r *AuthRequest) Size() int {
	size := recordOverhead
	for _, text := range [...]string{r.ClientID, r.RedirectURI, r.State, r.Nonce, r.CodeChallenge, r.RequiredSubject, r.ACR, r.Method, r.Issuer, r.LoginHint.Reveal()} {
		size += written(text)
	}
	for _, texts := range [...][]string{r.Scopes, r.Prompt, r.ACRValues, r.UILocales, r.Resources, r.Claims.IDToken, r.Claims.UserInfo} {
		size += textBytes(texts)
	}
	if p := r.Program; p != nil {
		size += written(p.Owner) + len(p.Ping.Token.Reveal())
	}
	size += r.UserMessage.size() + r.Payment.size()
	if r.Sign != nil {
		size += r.Sign.Message.size() + len(r.Sign.Data)
	}
	return size
}

func (m *UserMessage) size() (size int) {
	if m == nil {
		return 0
	}
	for tag, text := range m.Text {
		size += len(tag) + written(text)
	}
	return size
}

// Size returns about how many bytes the request takes in a store.
func (r *PushedRequest) Size() int {
	size := recordOverhead
	for name, values := range r.Values {
		size += len(name) + textBytes(values)
	}
	return size
}

// textBytes returns the bytes of the texts, and of what stands around each.
func textBytes(texts []string) (size int) {
	for _, text := range texts {
		size += written(text) + 3
	}
	return size
}

// written returns how many bytes the text takes in JSON, where some characters take six (encoding/json, HTMLEscape).
func written(text string) int {
	size := len(text)
	for _, b := range []byte(text) {
		switch {
		case b == '"' || b == '\\' || b == '\n' || b == '\r' || b == '\t':
			size++
		case b < ' ' || b == '<' || b == '>' || b == '&':
			size += 5
		}
	}
	return size
}
