package console

import (
	"brygga/admin"
	"brygga/keys"
)

// keysPages are those of keys and certificates.
func keysPages() []page {
	return []page{
		{pattern: "GET /keys", operation: admin.ListKeys, handle: listKeys},
		{pattern: "GET /keys/rotate", operation: admin.RotateKeys, handle: askRotation},
		{pattern: "POST /keys/rotate", operation: admin.RotateKeys, handle: rotateKeys},
	}
}

func listKeys(v *visit) error {
	all, err := v.Admin.Keys(v, v.actor)
	if err != nil {
		return err
	}
	ending, err := v.Admin.Expiries(v, v.actor)
	if err != nil {
		return err
	}
	return v.show(v.text("keys.title"), keyList(v, all, ending))
}

// askRotation tells what other keys mean before they are made.
func askRotation(v *visit) error {
	return v.show(v.text("keys.rotate"), keyRotation(v))
}

func rotateKeys(v *visit) error {
	now := v.form().get("now") != ""
	if _, err := v.Admin.RotateKeys(v, v.actor, now); err != nil {
		return err
	}
	if now {
		return v.leave(at("keys"), "keys.replaced")
	}
	return v.leave(at("keys"), "keys.rotated")
}

// keyTone is the colour of a key's state.
func keyTone(k *keys.Info) string {
	if k.State == keys.Active {
		return "good"
	}
	return ""
}
