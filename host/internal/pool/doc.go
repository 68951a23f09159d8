// Package pool owns pools: several integrations of one platform that calls use in turn. dispatch asks it in which order to try them.
package pool
