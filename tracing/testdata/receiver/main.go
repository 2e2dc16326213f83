// Receiver reads what was posted to a collector of OpenTelemetry, with the collector's own reader, and writes a line for each span: trace, span,
// parent, kind, name, status, links and attributes.
package main

import (
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = show(body)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(body []byte) error {
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
	if err != nil {
		return err
	}
	for _, of := range traces.ResourceSpans().All() {
		fmt.Println("resource", of.Resource().Attributes().AsRaw())
		for _, scope := range of.ScopeSpans().All() {
			for _, s := range scope.Spans().All() {
				fmt.Println(s.TraceID(), s.SpanID(), "parent="+s.ParentSpanID().String(), s.Kind(), s.Name(), s.Status().Code(),
					s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()), s.StartTimestamp().AsTime().Format("2006-01-02T15:04:05.000"), "links:", s.Links().Len(), s.Attributes().AsRaw())
				for _, l := range s.Links().All() {
					fmt.Println("link", l.TraceID(), l.SpanID())
				}
			}
		}
	}
	return nil
}
