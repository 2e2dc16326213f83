package netid

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// Marks by which the versions of the WSDL are told apart: what each calls the service's own check of a result.
var marks = map[Version]string{Version1: `"nivResponse"`, Version2: `"validatorResponse"`}

// Probe asks the service for its WSDL and returns which version it is, "" for one that is not known. That proves the network, the server's
// certificate and ours, and makes no order. Nothing else is taken from the WSDL, least of all an address.
func (a *API) Probe(ctx context.Context) (Version, error) {
	start := a.o.Now()
	status, version, err := a.probe(ctx)
	a.o.Observe(callWSDL, status, observed(err), a.o.Now().Sub(start))
	return version, err
}

func (a *API) probe(ctx context.Context) (int, Version, error) {
	bounded, cancel := a.o.Profile.bounded(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodGet, a.o.URL+"?WSDL", http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("netid: WSDL: %w", err)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return 0, "", networkError(ctx, withoutURL(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, a.o.MaxAnswer))
	switch {
	case err != nil:
		return response.StatusCode, "", networkError(ctx, err)
	case response.StatusCode >= 400:
		return response.StatusCode, "", &ServiceError{Call: callWSDL, Status: response.StatusCode}
	case response.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"`+namespace+`"`)):
		return response.StatusCode, "", fmt.Errorf("%w: no WSDL of the service", ErrBadResponse)
	}
	for version, mark := range marks {
		if bytes.Contains(text, []byte(mark)) {
			return response.StatusCode, version, nil
		}
	}
	return response.StatusCode, "", nil
}
