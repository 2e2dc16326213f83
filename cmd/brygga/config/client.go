package config

import (
	"encoding/hex"
	"fmt"

	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// minSecret is how many characters a client secret of the file has at least.
const minSecret = 32

// record returns the client as a record, or reports why its secret or keys cannot be used.
func (c *Client) record(r *reader, section string) (storage.Client, bool) {
	record := storage.Client{
		ID: c.ID, Name: c.Name, LocalNames: c.LocalNames, HomeURI: c.HomeURI, Native: c.Native, AuthMethod: c.AuthMethod,
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
		SubjectType: c.SubjectType, Sector: c.Sector, PersonalNumber: c.PersonalNumber, RequirePKCE: c.RequirePKCE,
		CustomIdentifier: c.CustomIdentifier, Policy: c.Policy,
	}
	c.recordOAuth(&record)
	clients.Complete(&record)
	keys := c.recordKeys(r, section, &record)
	return record, c.recordSecret(r, section, &record) && keys
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

// recordOAuth takes over what the client's requests and tokens are to be like.
func (c *Client) recordOAuth(record *storage.Client) {
	record.Profile, record.AuthAlg, record.JWKSURI = c.Profile, c.AuthAlg, c.JWKSURI
	record.IDTokenEncryption = storage.Encryption{Alg: c.IDTokenEncryptionAlg, Enc: c.IDTokenEncryptionEnc}
	record.UserinfoAlg = c.UserinfoAlg
	record.UserinfoEncryption = storage.Encryption{Alg: c.UserinfoEncryptionAlg, Enc: c.UserinfoEncryptionEnc}
	record.RequestObjectAlg, record.RequireRequestObject = c.RequestObjectAlg, c.RequireRequestObject
	record.UnsignedRequestObjects, record.RequirePAR = c.UnsignedRequestObjects, c.RequirePAR
	record.AccessTokenFormat, record.Resources = c.AccessTokenFormat, c.Resources
	record.DefaultACRValues, record.DefaultLocale = c.DefaultACRValues, c.DefaultLocale
	record.DefaultMaxAge = clients.MaxAge(c.DefaultMaxAge)
	record.SessionGroup, record.BackchannelLogoutURI = c.SessionGroup, c.BackchannelLogoutURI
	record.Origins, record.Contacts, record.SectorIdentifierURI = c.Origins, c.Contacts, c.SectorIdentifierURI
}

// HashSecret returns the record of a client secret.
func HashSecret(s secret.String) storage.ClientSecret { return storage.ClientSecret{Hash: s.Hash()} }
