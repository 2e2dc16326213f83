package storagetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"brygga/secret"
)

// Fill sets every field of the struct that record points to, at any depth, to a value of its own that is not zero: a store or codec
// that forgets one is found out by comparing. Pointers, slices and maps get members; times are UTC in microseconds. It panics on a kind of
// field it does not know, so that a new kind is noticed.
func Fill(record any) {
	f := filler{}
	f.fill(reflect.ValueOf(record).Elem())
}

type filler struct{ n int }

var (
	secretType = reflect.TypeFor[secret.String]()
	timeType   = reflect.TypeFor[time.Time]()
	jsonType   = reflect.TypeFor[json.RawMessage]()
)

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch {
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(secret.New(fmt.Sprintf("secret-%d", f.n))))
		return
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(epoch.Add(time.Duration(f.n)*time.Second + time.Duration(f.n)*time.Microsecond)))
		return
	case v.Type() == jsonType:
		v.SetBytes(fmt.Appendf(nil, `{"member-%d":true}`, f.n))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n%100 + 1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.n%100 + 1))
	default:
		panic("storagetest: cannot fill a " + v.Type().String())
	}
}
