package storage

import (
	"reflect"
	"testing"
	"unsafe"

	"brygga/secret"
)

// TestOwnSharesNothing fills every text of a record, those of fields that come later too, and looks where its copy keeps them.
func TestOwnSharesNothing(t *testing.T) {
	request, starter, grant := filled[AuthRequest](), filled[Starter](), filled[Grant]()
	grant.Identity = Identity{} // comes from the eID service
	request.StepUp = Policy{}   // comes from the configuration
	compareTexts(t, "AuthRequest", reflect.ValueOf(request), reflect.ValueOf(*request.Own()))
	compareTexts(t, "Starter", reflect.ValueOf(starter), reflect.ValueOf(starter.Own()))
	compareTexts(t, "Grant", reflect.ValueOf(grant), reflect.ValueOf(grant.Own()))
}

func filled[T any]() (record T) {
	fillTexts(reflect.ValueOf(&record).Elem())
	return record
}

func fillTexts(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[secret.String]():
		v.Set(reflect.ValueOf(secret.New("secret")))
	case v.Kind() == reflect.String:
		v.SetString("text")
	case v.Kind() == reflect.Struct && v.Type().PkgPath() == "brygga/storage":
		for i := range v.NumField() {
			fillTexts(v.Field(i))
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillTexts(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillTexts(v.Index(0))
	case v.Kind() == reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fillTexts(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), value)
	}
}

// compareTexts wants equal texts in different memory.
func compareTexts(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch {
	case a.Type() == reflect.TypeFor[secret.String]():
		x, y := a.Interface().(secret.String).Reveal(), b.Interface().(secret.String).Reveal()
		if x != y || x != "" && unsafe.StringData(x) == unsafe.StringData(y) {
			t.Errorf("%s is shared or changed", path)
		}
	case a.Kind() == reflect.String:
		if x, y := a.String(), b.String(); x != y || x != "" && unsafe.StringData(x) == unsafe.StringData(y) {
			t.Errorf("%s is shared or changed: %q", path, y)
		}
	case a.Kind() == reflect.Struct && a.Type().PkgPath() == "brygga/storage":
		for i := range a.NumField() {
			compareTexts(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case a.Kind() == reflect.Pointer && !a.IsNil():
		compareTexts(t, path, a.Elem(), b.Elem())
	case a.Kind() == reflect.Slice && a.Len() > 0:
		compareTexts(t, path, a.Index(0), b.Index(0))
	case a.Kind() == reflect.Map && a.Len() > 0:
		compareTexts(t, path+"'s keys", a.MapKeys()[0], b.MapKeys()[0])
		compareTexts(t, path, a.MapIndex(a.MapKeys()[0]), b.MapIndex(b.MapKeys()[0]))
	}
}
