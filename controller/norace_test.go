//go:build !race

package controller_test

const slower = 1
