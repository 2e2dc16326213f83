package storage

// Tell returns the audit events of a step, made from the login as the step leaves it. The step stores them: what has happened stands in the
// audit log, and what has not does not, whenever the process dies. A step that is run again asks again, so it only computes; the events of
// the last call are those that were stored when the step returns nil.
type Tell func(after *Login) []AuditEvent

// EventsOf returns the events of all that is to be told of the login.
func EventsOf(after *Login, tell []Tell) (events []AuditEvent) {
	for _, t := range tell {
		if t != nil {
			events = append(events, t(after)...)
		}
	}
	return events
}

// TellEnd is [Tell] for the end of a session. It is not asked when nothing ended.
type TellEnd func(Ended) []AuditEvent

// EventsOfEnd returns the events of all that is to be told of the end.
func EventsOfEnd(ended Ended, tell []TellEnd) (events []AuditEvent) {
	for _, t := range tell {
		if t != nil && ended != (Ended{}) {
			events = append(events, t(ended)...)
		}
	}
	return events
}
