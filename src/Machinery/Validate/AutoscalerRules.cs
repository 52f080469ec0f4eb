using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Machinery.Validate;

/// <summary>Horizontal autoscalers: what is scaled, by what, and how fast.</summary>
static class AutoscalerRules
{
    const int LongestWindow = 3600, LongestPeriod = 1800;

    public static void Check(HorizontalPodAutoscaler o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.MinReplicas is < 1 and { } least) errors.Invalid(at["minReplicas"], least, "must be greater than or equal to 1");
        if (s.MaxReplicas < 1) errors.Invalid(at["maxReplicas"], s.MaxReplicas, "must be greater than 0");
        if (s.MaxReplicas < s.MinReplicas) errors.Invalid(at["maxReplicas"], s.MaxReplicas, "must be greater than or equal to `minReplicas`");
        Reference(at["scaleTargetRef"], s.ScaleTargetRef, errors);
        for (int i = 0; i < s.Metrics.Count; i++) Metric(at["metrics"][i], s.Metrics[i], errors);
        if (s.Behavior is not { } behavior) return;
        Rules(at["behavior"]["scaleUp"], behavior.ScaleUp, errors);
        Rules(at["behavior"]["scaleDown"], behavior.ScaleDown, errors);
    }

    public static void Part(HorizontalPodAutoscaler o, HorizontalPodAutoscaler old, string subresource, Errors errors)
    {
        errors.NotNegative(FieldPath.Of("status")["currentReplicas"], o.Status.CurrentReplicas);
        errors.NotNegative(FieldPath.Of("status")["desiredReplicas"], o.Status.DesiredReplicas);
    }

    static void Reference(FieldPath at, CrossVersionObjectReference r, Errors errors)
    {
        if (r.Kind.Length == 0) errors.Required(at["kind"]);
        else errors.Invalid(at["kind"], r.Kind, Names.PathSegment(r.Kind));
        if (r.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], r.Name, Names.PathSegment(r.Name));
    }

    static void Metric(FieldPath at, MetricSpec m, Errors errors)
    {
        if (m.Type.Length == 0) { errors.Required(at["type"], "must specify a metric source type"); return; }
        errors.OneOf(at["type"], m.Type, "ContainerResource", "External", "Object", "Pods", "Resource");
        (string Type, string Field, bool Set)[] sources = [("Object", "object", m.Object is not null), ("Pods", "pods", m.Pods is not null), ("Resource", "resource", m.Resource is not null),
            ("External", "external", m.External is not null), ("ContainerResource", "containerResource", m.ContainerResource is not null)];
        foreach (var (type, field, set) in sources)
            if (set && type != m.Type) errors.Forbidden(at[field], "must populate the given metric source only");
            else if (!set && type == m.Type) errors.Required(at[field], $"must populate information for the given metric source");
        if (m.Object is { } o)
        {
            Reference(at["object"]["describedObject"], o.DescribedObject, errors);
            Identifier(at["object"]["metric"], o.Metric, errors);
            Target(at["object"]["target"], o.Target, errors);
            if (o.Target is { Value: null, AverageValue: null }) errors.Required(at["object"]["target"]["averageValue"], "must set either a target value or averageValue");
        }
        if (m.Pods is { } p)
        {
            Identifier(at["pods"]["metric"], p.Metric, errors);
            Target(at["pods"]["target"], p.Target, errors);
            if (p.Target.AverageValue is not { } value || value.Sign != 1) errors.Required(at["pods"]["target"]["averageValue"], "must specify a positive target averageValue");
        }
        if (m.Resource is { } r) Share(at["resource"], r.Name, r.Target, errors);
        if (m.ContainerResource is { } c)
        {
            if (c.Container.Length == 0) errors.Required(at["containerResource"]["container"], "must specify a container");
            Share(at["containerResource"], c.Name, c.Target, errors);
        }
        if (m.External is { } e)
        {
            Identifier(at["external"]["metric"], e.Metric, errors);
            Target(at["external"]["target"], e.Target, errors);
            if (e.Target is { Value: null, AverageValue: null }) errors.Required(at["external"]["target"]["averageValue"], "must set either a target value for metric or a per-pod target");
            if (e.Target is { Value: not null, AverageValue: not null }) errors.Forbidden(at["external"]["target"]["value"], "may not set both a target value for metric and a per-pod target");
        }
    }

    static void Share(FieldPath at, string name, MetricTarget target, Errors errors)
    {
        if (name.Length == 0) errors.Required(at["name"], "must specify a resource name");
        Target(at["target"], target, errors);
        if (target is { AverageUtilization: null, AverageValue: null }) errors.Required(at["target"]["averageUtilization"], "must set either a target raw value or a target utilization");
        if (target is { AverageUtilization: not null, AverageValue: not null }) errors.Forbidden(at["target"]["averageValue"], "may not set both a target raw value and a target utilization");
    }

    static void Identifier(FieldPath at, MetricIdentifier metric, Errors errors)
    {
        if (metric.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], metric.Name, Names.PathSegment(metric.Name));
        LabelRules.Selector(at["selector"], metric.Selector, errors);
    }

    static void Target(FieldPath at, MetricTarget target, Errors errors)
    {
        if (target.Type.Length == 0) errors.Required(at["type"], "must specify a metric target type");
        else if (target.Type is not ("Utilization" or "Value" or "AverageValue")) errors.Invalid(at["type"], target.Type, "must be either Utilization, Value, or AverageValue");
        if (target.Value is { Sign: not 1 } value) errors.Invalid(at["value"], value.ToString(), "must be positive");
        if (target.AverageValue is { Sign: not 1 } average) errors.Invalid(at["averageValue"], average.ToString(), "must be positive");
        if (target.AverageUtilization is < 1 and { } percent) errors.Invalid(at["averageUtilization"], percent, "must be greater than 0");
    }

    static void Rules(FieldPath at, HPAScalingRules? rules, Errors errors)
    {
        if (rules is null) return;
        if (rules.StabilizationWindowSeconds is < 0 and { } low) errors.Invalid(at["stabilizationWindowSeconds"], low, "must be greater than or equal to zero");
        if (rules.StabilizationWindowSeconds is > LongestWindow and { } high) errors.Invalid(at["stabilizationWindowSeconds"], high, $"must be less than or equal to {LongestWindow}");
        if (rules.SelectPolicy is { } select) errors.OneOf(at["selectPolicy"], select, "Disabled", "Max", "Min");
        if (rules.Tolerance is { } tolerance) errors.NotNegative(at["tolerance"], tolerance);
        if (rules.Policies.IsEmpty) errors.Required(at["policies"], "must specify at least one Policy");
        for (int i = 0; i < rules.Policies.Count; i++)
        {
            var (here, p) = (at["policies"][i], rules.Policies[i]);
            errors.OneOf(here["type"], p.Type, "Percent", "Pods");
            if (p.Value <= 0) errors.Invalid(here["value"], p.Value, "must be greater than zero");
            if (p.PeriodSeconds <= 0) errors.Invalid(here["periodSeconds"], p.PeriodSeconds, "must be greater than zero");
            if (p.PeriodSeconds > LongestPeriod) errors.Invalid(here["periodSeconds"], p.PeriodSeconds, $"must be less than or equal to {LongestPeriod}");
        }
    }
}
