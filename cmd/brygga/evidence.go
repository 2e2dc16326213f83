package main

import (
	"context"
	"errors"
	"fmt"

	"brygga/audit/tree"
	"brygga/evidence"
	"brygga/evidence/archive"
	"brygga/op"
	"brygga/storage"
)

// signatureOf returns the signature in a record of evidence.
func (s *server) signatureOf(ctx context.Context, id string) (string, error) {
	kept, err := s.apps.Evidence(ctx, id, s.now())
	if err != nil {
		return "", fmt.Errorf("read evidence: %w", err)
	}
	if err := kept.Whole(); err != nil {
		return "", err
	}
	signature, err := evidence.SignatureIn(kept.Line)
	return signature.Reveal(), err
}

// anchors are what evidence is held against in the console: the root and the issuers by which results are verified here, where they are.
func (s *server) anchors() (a evidence.Anchors) {
	if s.cards != nil {
		for _, issuer := range s.cards.verifier.Options().Issuers {
			a.Issuers = append(a.Issuers, issuer.Certificate)
		}
	}
	if s.verifier == nil {
		return a
	}
	if verifier, err := s.verifier(); err == nil {
		a.Roots = verifier.Roots()
	}
	return a
}

// evidenceOf returns the file of what proves a login or signature of the client, for itself.
func (s *server) evidenceOf(ctx context.Context, client *storage.Client, txn, address string) ([]byte, error) {
	kept := archive.Archive{Store: s.store, Audit: s.audit, Tree: func(context.Context) (*tree.Tree, error) { return s.tree.Tree, nil }}
	f, err := kept.Export(ctx, txn, archive.Recipient{
		Actor: "client:" + client.ID, Address: address, May: func(e *storage.EvidenceRecord) bool { return e.Of(client) },
	}, s.now())
	if errors.Is(err, archive.ErrErased) {
		return nil, op.ErrErased
	}
	if err != nil {
		return nil, err
	}
	return f.Text()
}
