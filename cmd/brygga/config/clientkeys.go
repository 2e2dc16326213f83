package config

import (
	"encoding/json"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

// recordKeys reads the file with the client's public keys, or reports why it cannot.
func (c *Client) recordKeys(r *reader, section string, record *storage.Client) bool {
	if c.JWKSFile == "" {
		return true
	}
	if len(record.JWKS) > 0 {
		r.fault(section+".jwks_file", "set together with jwks", "keep one of them")
		return false
	}
	content, err := ReadJWKS(c.JWKSFile)
	if err != nil {
		r.fault(section+".jwks_file", "cannot be read: "+reason(err), "name a file with a JSON Web Key Set of public keys")
		return false
	}
	record.JWKS = json.RawMessage(content)
	return true
}

// ReadJWKS returns the text of a file with a client's public keys. What it says is checked with the client.
func ReadJWKS(path string) (string, error) {
	text, err := ReadFile(path, clients.MaxJWKS)
	return strings.TrimSpace(string(text)), err
}
