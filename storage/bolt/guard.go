package bolt

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"go.etcd.io/bbolt"
)

// guard runs a step, or what reads. A damaged row makes it fail. It turns a panic into an error, so that one bad record does not stop every login. When the
// panic is bbolt's, or comes of an address beyond the file, pages of it do not fit together: the store takes no more steps then.
func (s *Store) guard(run func(*tx) error, t *tx) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a page beyond the end of the file would end the process
	defer func() {
		if r := recover(); r != nil {
			err = s.panicked("step", r)
		}
	}()
	err = run(t)
	if t != nil && t.damaged != nil {
		err, t.damaged = t.damaged, nil
	}
	return err
}

// commitGuarded commits, or leaves the transaction rolled back, whatever happens.
func (s *Store) commitGuarded(btx *bbolt.Tx) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(s.panicked("commit", r), s.rollback(btx))
		}
	}()
	return s.finish(btx)
}

// rollback gives the transaction up. When bbolt cannot even do that, it never lets go of its locks.
func (s *Store) rollback(btx *bbolt.Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.stuck.Store(true)
			err = s.panicked("rollback", r)
		}
	}()
	return btx.Rollback()
}

// panicked describes a panic without its value, which may hold part of a record, unless the runtime itself raised it.
func (s *Store) panicked(doing string, value any) (err error) {
	if runtimeErr, ok := value.(runtime.Error); ok {
		err = fmt.Errorf("storage/bolt: panic in %s: %w\n%s", doing, runtimeErr, debug.Stack())
	} else {
		err = fmt.Errorf("storage/bolt: panic in %s: %T\n%s", doing, value, debug.Stack())
	}
	if !fromPages(value) {
		return err
	}
	if !s.broken.Swap(true) {
		s.log.Error("the store file is damaged: nothing is stored any more", "path", s.path, "err", err)
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// fromPages reports whether the panic with that value, which is just being recovered, came of what a page of the file says.
func fromPages(value any) bool {
	if _, fault := value.(interface{ Addr() uintptr }); fault {
		return true
	}
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for raised := false; ; {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			raised = true
		case raised && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}
