package agent

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxFrame bounds one frame: 256 KiB of data in base64, and room around it.
const MaxFrame = 512 << 10

// Writer writes frames. It is safe for concurrent use.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter answers a writer of frames.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write sends one value.
func (w *Writer) Write(value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding a frame: %w", err)
	}
	if len(raw) > MaxFrame {
		return errors.New("a frame is too large")
	}
	frame := append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(raw)), uint32(len(raw))), raw...)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.w.Write(frame)
	return err
}

// Read receives one value. It fails with io.EOF at the end between two frames, and reads no frame above MaxFrame.
func Read(r io.Reader, value any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxFrame {
		return errors.New("a frame is too large")
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return fmt.Errorf("reading a frame: %w", err)
	}
	if err := json.Unmarshal(raw, value); err != nil {
		return errors.New("a frame is not what it should be")
	}
	return nil
}
