package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"brygga/admin"
	"brygga/evidence"
	"brygga/storage"
)

// evidenceFilter reads which records are wanted.
func (c *call) evidenceFilter() (f admin.EvidenceFilter, err error) {
	f = admin.EvidenceFilter{ClientID: c.query(clientID), Transaction: c.query(transaction), Kind: storage.Kind(c.query(orderKind))}
	if f.Limit, err = c.limit(); err != nil {
		return f, err
	}
	if f.Before, err = c.behind(); err != nil {
		return f, err
	}
	from, to, err := c.times()
	if err != nil {
		return f, err
	}
	if f.From = from; c.values.Has(toTime) {
		f.To = to
	}
	if f.Kind != "" && !slices.Contains(storage.Kinds(), f.Kind) {
		return f, invalid(fault{Parameter: orderKind, Detail: "is not identify, sign or payment"})
	}
	if text := c.query(byReference); text != "" {
		if f.Reference, err = storage.ParseReference(text); err != nil {
			return f, invalid(fault{Parameter: byReference, Detail: "is no reference such as 7QX4-2MKD"})
		}
	}
	return f, nil
}

func listEvidence(c *call) (*answer, error) {
	f, err := c.evidenceFilter()
	if err != nil {
		return nil, err
	}
	found, err := c.Admin.Evidence(c, c.actor, f)
	if errors.Is(err, admin.ErrEvidenceCursor) {
		return nil, badCursor
	}
	if err != nil {
		return nil, err
	}
	return ok(c.page(append([]admin.EvidenceView{}, found.Records...), found.Next))
}

func showEvidence(c *call) (*answer, error) {
	v, err := c.Admin.EvidenceRecord(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	return ok(v)
}

// exportEvidence answers with the file of a record, as it is to be kept.
func exportEvidence(c *call) (*answer, error) {
	f, err := c.Admin.ExportEvidence(c, c.actor, c.id())
	if errors.Is(err, admin.ErrErased) {
		return nil, notFound("it was erased: what is left of it says by whom, when and why")
	}
	if err != nil {
		return nil, err
	}
	text, err := f.Text()
	if err != nil {
		return nil, err
	}
	return &answer{kind: forms["json"], stream: func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}}, nil
}

func eraseEvidence(c *call) (*answer, error) {
	reason := ""
	if err := c.members(map[string]any{"reason": &reason}); err != nil {
		return nil, err
	}
	v, err := c.Admin.EraseEvidence(c, c.actor, c.id(), reason)
	switch {
	case errors.Is(err, admin.ErrReason):
		return nil, invalid(fault{Pointer: "/reason", Detail: "is missing, of several lines or longer than 500 characters", Remedy: "say why it is erased, without naming the person"})
	case errors.Is(err, storage.ErrConflict):
		return nil, conflict("it was erased before")
	case err != nil:
		return nil, err
	}
	return ok(v)
}

// Evidence returns the records that are wanted, the newest first, Limit of them at most; there is no Next.
func (r *Remote) Evidence(ctx context.Context, f admin.EvidenceFilter) (found admin.FoundEvidence, err error) {
	query := span(f.From, f.To)
	putAll(query, map[string]string{
		clientID: f.ClientID, transaction: f.Transaction, orderKind: string(f.Kind), byReference: string(f.Reference), limited: strconv.Itoa(max(1, min(f.Limit, maxLimit))),
	})
	err = pages(ctx, r, "/evidence", query, func(page []admin.EvidenceView) bool {
		found.Records = append(found.Records, page...)
		return len(found.Records) < f.Limit
	})
	found.Records = found.Records[:min(len(found.Records), f.Limit)]
	return found, err
}

// EvidenceRecord returns what is shown of a record, or storage.ErrNotFound.
func (r *Remote) EvidenceRecord(ctx context.Context, id string) (v admin.EvidenceView, err error) {
	_, err = r.ask(ctx, request{method: http.MethodGet, path: at("evidence", id)}, &v)
	return v, err
}

// ExportEvidence returns the file of a record, or storage.ErrNotFound when there is none or nothing of it.
func (r *Remote) ExportEvidence(ctx context.Context, id string) (*evidence.File, error) {
	var text bytes.Buffer
	if err := r.copy(ctx, request{method: http.MethodGet, path: at("evidence", id, "file")}, &text); err != nil {
		return nil, err
	}
	return evidence.Read(text.Bytes())
}

// EraseEvidence takes out of the record what is in it; see admin.Service.
func (r *Remote) EraseEvidence(ctx context.Context, id, reason string) (v admin.EvidenceView, err error) {
	_, err = r.ask(ctx, request{method: http.MethodPost, path: at("evidence", id, "erase"), body: map[string]string{"reason": reason}}, &v)
	return v, err
}
