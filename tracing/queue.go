package tracing

import (
	"context"
	"sync/atomic"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// mostWaiting is how many spans wait for the collector at most.
	mostWaiting = 2048
	// mostAtOnce is how many are sent in one request.
	mostAtOnce = 512
)

// queue lets spans wait for the collector, and drops those for which there is no room. The batch processor would, too, and tell nobody how many; so
// it is given room for more than it ever gets.
type queue struct {
	sdk.SpanProcessor
	waiting atomic.Int64
	failed  func(spans int)
}

func newQueue(to sdk.SpanExporter, failed func(spans int)) *queue {
	if failed == nil {
		failed = func(int) {}
	}
	q := &queue{failed: failed}
	q.SpanProcessor = sdk.NewBatchSpanProcessor(counted{to, q}, sdk.WithMaxQueueSize(mostWaiting+mostAtOnce), sdk.WithMaxExportBatchSize(mostAtOnce))
	return q
}

// OnEnd takes the span, or drops it. It never waits.
func (q *queue) OnEnd(span sdk.ReadOnlySpan) {
	if q.waiting.Add(1) > mostWaiting {
		q.waiting.Add(-1)
		q.failed(1)
		return
	}
	q.SpanProcessor.OnEnd(span)
}

// counted makes room in the queue for what it has exported, or could not.
type counted struct {
	sdk.SpanExporter
	queue *queue
}

// ExportSpans exports the spans.
func (c counted) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	defer c.queue.waiting.Add(-int64(len(spans)))
	return c.SpanExporter.ExportSpans(ctx, spans)
}
