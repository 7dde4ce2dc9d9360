package wire

import (
	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire/proto"
)

func fromInfo(i actuators.Info) *proto.InfoResponse {
	out := &proto.InfoResponse{Name: clip(i.Name), Version: clip(i.Version)}
	for _, v := range i.Verbs {
		out.Verbs = append(out.Verbs, &proto.Verb{
			Name: clip(v.Name), Effect: clip(string(v.Effect)), Content: v.Content, Args: clipAll(v.Args), Help: clip(v.Help),
		})
	}
	return out
}

func toInfo(in *proto.InfoResponse) actuators.Info {
	out := actuators.Info{Name: in.GetName(), Version: in.GetVersion()}
	for _, v := range in.GetVerbs() {
		out.Verbs = append(out.Verbs, actuators.Verb{
			Name: v.GetName(), Effect: actuators.Effect(v.GetEffect()), Content: v.GetContent(), Args: v.GetArgs(), Help: v.GetHelp(),
		})
	}
	return out
}

func fromRequest(r actuators.Request) *proto.Request {
	return &proto.Request{Actuator: r.Actuator, Verb: r.Verb, Target: r.Target, Args: r.Args, Key: r.Key, Content: r.Content}
}

func toRequest(in *proto.Request) actuators.Request {
	r := actuators.Request{
		Action: actuators.Action{Actuator: in.GetActuator(), Verb: in.GetVerb(), Target: in.GetTarget(), Args: in.GetArgs()},
		Key:    in.GetKey(),
	}
	if in != nil && in.Content != nil {
		r.Content = in.Content // an empty file has content: nothing, but not nil
	}
	return r
}

func fromResult(r actuators.Result) *proto.Result {
	out := &proto.Result{Changed: r.Changed, Detail: clip(r.Detail), Displaced: clip(r.Displaced)}
	for k, v := range r.Data {
		if out.Data == nil {
			out.Data = make(map[string]string, len(r.Data))
		}
		out.Data[valid(k)] = valid(v)
	}
	return out
}

func toResult(in *proto.Result) actuators.Result {
	return actuators.Result{Changed: in.GetChanged(), Detail: in.GetDetail(), Displaced: in.GetDisplaced(), Data: in.GetData()}
}

func clipAll(in []string) []string {
	var out []string
	for _, s := range in {
		out = append(out, clip(s))
	}
	return out
}
