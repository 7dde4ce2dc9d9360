package main

import (
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/desired/sealed"
)

// unsealed is a Set with what is encrypted in it decrypted, as far as the identity
// that the host's policy names goes; nil where a file is wrong.
func (a *app) unsealed(set *desired.Set) (*desired.Set, read.Problems, error) {
	if set == nil {
		return nil, nil, nil
	}
	names, err := a.names()
	if err != nil {
		return nil, nil, err
	}
	var problems read.Problems
	for _, w := range sealed.Unseal(set, sealed.ReadIdentity(set.Policy.Identity), names) {
		problems = append(problems, read.Problem{Pos: w.Pos, Message: w.Message})
	}
	if problems != nil {
		return nil, problems, nil
	}
	return set, nil, nil
}

// inForce has what is in force named as its files are to be called.
func (a *app) inForce(set *desired.Set) error {
	names, err := a.names()
	if err != nil {
		return err
	}
	return names.Use(set)
}

// keepNames writes down how what is decrypted is called, for whoever acts: what it
// remembers rests on that.
func (a *app) keepNames() error {
	names, err := a.names()
	if err == nil {
		err = names.Keep()
	}
	if err != nil {
		return trouble(err)
	}
	return nil
}
