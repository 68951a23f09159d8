package cassette

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ParseJSON reads recorded traffic in the JSON form of vcrpy and betamax. Forms are put in the order of their names, as
// net/url encodes them, because the order means nothing.
func ParseJSON(data []byte) ([]Interaction, error) {
	var file recorded
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("parsing JSON: %w", err)
	}
	all, err := file.all()
	for i, one := range all {
		all[i].Body = sortedForm(one.Header, one.Body)
	}
	return all, err
}

// sortedForm encodes a form anew; any other body stays as it is.
func sortedForm(h http.Header, body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.HasPrefix(h.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return body
	}
	return []byte(form.Encode())
}
