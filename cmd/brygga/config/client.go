package config

import (
	"encoding/hex"
	"fmt"

	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
	"brygga/webhook"
)

// minSecret is how many characters a client secret of the file has at least.
const minSecret = 32

// record returns the client as a record, or reports why its secret or keys cannot be used.
func (c *Client) record(r *reader, section string) (storage.Client, bool) {
	record := c.settings
	record.ID, record.Policy = c.ID, c.Policy
	clients.Complete(&record)
	keys := c.recordKeys(r, section, &record)
	hook := c.recordWebhook(r, section, &record)
	return record, c.recordSecret(r, section, &record) && keys && hook
}

// recordWebhook takes the secret of the client's webhook over, or reports why it cannot.
func (c *Client) recordWebhook(r *reader, section string, record *storage.Client) bool {
	switch {
	case r.faulty(section + ".webhook_secret_file"):
		return false
	case record.WebhookURI == "" && c.WebhookSecret.IsZero():
		return true
	case record.WebhookURI == "":
		r.fault(section+".webhook_uri", "missing: there is a secret for it", "write the address, or remove the secret")
		return false
	}
	if _, err := webhook.ParseSecret(c.WebhookSecret); err != nil {
		r.fault(section+".webhook_secret", err.Error(), "make one: echo \"whsec_$(openssl rand -base64 32)\"; while it is being replaced, the one before may stand behind it")
		return false
	}
	record.WebhookSecret = c.WebhookSecret
	return true
}

// recordSecret takes the client's secret over, or reports why it cannot.
func (c *Client) recordSecret(r *reader, section string, record *storage.Client) bool {
	var hash [32]byte
	switch {
	case c.SecretHash != "" && !c.Secret.IsZero():
		r.fault(section+".secret_hash", "set together with a secret", "keep one of them")
		return false
	case c.SecretHash != "":
		if n, err := hex.Decode(hash[:], []byte(c.SecretHash)[:min(len(c.SecretHash), 2*len(hash))]); err != nil || n != len(hash) || len(c.SecretHash) != 2*len(hash) {
			r.fault(section+".secret_hash", "is not a SHA-256 in hex", "write 64 hexadecimal digits")
			return false
		}
	case !c.Secret.IsZero():
		if len(c.Secret.Reveal()) < minSecret {
			r.fault(section+".secret", fmt.Sprintf("has fewer than %d characters", minSecret), "make a random one: openssl rand -base64 32")
			return false
		}
		hash = c.Secret.Hash()
	default:
		return !r.faulty(section + ".secret_file")
	}
	record.Secrets = []storage.ClientSecret{{Hash: hash}}
	return true
}

// place returns where the setting of that key stands, nil when there is none.
func (c *Client) place(key string) any {
	if s := clients.SettingOf(key); s != nil {
		return s.Place(&c.settings)
	}
	return nil
}

// keys returns the keys that place knows.
func (c *Client) keys() (keys []string) {
	for _, s := range clients.Settings() {
		keys = append(keys, s.Key)
	}
	return keys
}

// HashSecret returns the record of a client secret.
func HashSecret(s secret.String) storage.ClientSecret { return storage.ClientSecret{Hash: s.Hash()} }
