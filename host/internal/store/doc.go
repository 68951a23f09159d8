// Package store keeps everything in PostgreSQL. It implements the Store interface that each room declares, one file a room, and
// owns the schema. Package postgres beneath it runs a private server where the operator has none.
package store
