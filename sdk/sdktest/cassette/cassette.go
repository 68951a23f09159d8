// Package cassette replays recorded HTTP traffic, so that an adapter is tested against what a platform really answered. It reads
// the YAML files of vcrpy, in its own form (body) and in the one where JSON bodies are written as YAML (parsed_body).
package cassette

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"go.yaml.in/yaml/v3"
)

// Interaction is one recorded request and its answer.
type Interaction struct {
	Method string
	// URL is where the request went.
	URL *url.URL
	// Header and Body are the request's.
	Header http.Header
	Body   []byte
	// Status, AnswerHeader and Answer are the answer's. Headers on how the body was sent (its length and encodings) are left out.
	Status       int
	AnswerHeader http.Header
	Answer       []byte
}

// recorded is the form of a file.
type recorded struct {
	Interactions []struct {
		Request struct {
			Method  string              `yaml:"method"`
			URI     string              `yaml:"uri"`
			Headers map[string][]string `yaml:"headers"`
			Body    any                 `yaml:"body"`
			Parsed  any                 `yaml:"parsed_body"`
		} `yaml:"request"`
		Response struct {
			Status struct {
				Code int `yaml:"code"`
			} `yaml:"status"`
			Headers map[string][]string `yaml:"headers"`
			Body    any                 `yaml:"body"`
			Parsed  any                 `yaml:"parsed_body"`
		} `yaml:"response"`
	} `yaml:"interactions"`
}

// Read reads a file of recorded traffic.
func Read(path string) ([]Interaction, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a recording: %w", err)
	}
	interactions, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return interactions, nil
}

// Parse reads recorded traffic.
func Parse(data []byte) ([]Interaction, error) {
	var file recorded
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("parsing YAML: %w", err)
	}
	return file.all()
}

// all answers what a file holds.
func (file recorded) all() ([]Interaction, error) {
	var all []Interaction
	for i, r := range file.Interactions {
		address, err := url.Parse(r.Request.URI)
		if err != nil {
			return nil, fmt.Errorf("parsing the address of request %d: %w", i, err)
		}
		one := Interaction{Method: r.Request.Method, URL: address, Header: header(r.Request.Headers),
			Status: r.Response.Status.Code, AnswerHeader: header(r.Response.Headers)}
		if one.Body, err = content(r.Request.Body, r.Request.Parsed); err != nil {
			return nil, fmt.Errorf("reading the body of request %d: %w", i, err)
		}
		if one.Answer, err = content(r.Response.Body, r.Response.Parsed); err != nil {
			return nil, fmt.Errorf("reading the body of answer %d: %w", i, err)
		}
		for _, name := range []string{"Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection"} {
			one.AnswerHeader.Del(name)
		}
		all = append(all, one)
	}
	return all, nil
}

func header(values map[string][]string) http.Header {
	h := http.Header{}
	for name, list := range values {
		for _, value := range list {
			h.Add(name, value)
		}
	}
	return h
}

// content answers a body's bytes: a text, a text within {string: ...}, or JSON written as YAML.
func content(body, parsed any) ([]byte, error) {
	if parsed != nil {
		encoded, err := json.Marshal(parsed)
		if err != nil {
			return nil, fmt.Errorf("encoding a parsed body: %w", err)
		}
		return encoded, nil
	}
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	case map[string]any:
		s, ok := b["string"].(string)
		if !ok && b["string"] != nil {
			return nil, fmt.Errorf("its string is a %T", b["string"])
		}
		return []byte(s), nil
	}
	return nil, fmt.Errorf("it is a %T", body)
}
