package audit

import "context"

type actorKey struct{}

// By names who is behind the changes that follow, for events that are made far from who asked.
func By(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorOf returns whom By has named, or otherwise.
func ActorOf(ctx context.Context, otherwise string) string {
	if actor, ok := ctx.Value(actorKey{}).(string); ok {
		return actor
	}
	return otherwise
}
