using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Events: found by what they are about.</summary>
public class EventStrategy() : Strategy(Event.Info)
{
    public override bool HasDependents => false;

    public override IReadOnlyList<string> SelectableFields { get; } =
    [
        "involvedObject.uid", "involvedObject.name", "involvedObject.namespace", "involvedObject.kind", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ];

    /// <summary>In <c>events.k8s.io</c> an Event is found by the names that its fields have there.</summary>
    public override string? SelectableField(GroupVersion version, string label) => version.Group.Length == 0 ? base.SelectableField(version, label) : label switch
    {
        "reason" or "type" => label,
        "reportingController" => "reportingComponent",
        _ when label.StartsWith("regarding.", StringComparison.Ordinal) => base.SelectableField(version, "involvedObject." + label["regarding.".Length..]),
        _ => null,
    };

    public override string Field(IObject obj, string name)
    {
        var e = (Event)obj;
        return name switch
        {
            "involvedObject.kind" => e.InvolvedObject.Kind,
            "involvedObject.namespace" => e.InvolvedObject.Namespace,
            "involvedObject.name" => e.InvolvedObject.Name,
            "involvedObject.uid" => e.InvolvedObject.Uid,
            "involvedObject.apiVersion" => e.InvolvedObject.ApiVersion,
            "involvedObject.resourceVersion" => e.InvolvedObject.ResourceVersion,
            "involvedObject.fieldPath" => e.InvolvedObject.FieldPath,
            "reason" => e.Reason,
            "reportingComponent" => e.ReportingComponent,
            "source" => e.Source.Component.Length > 0 ? e.Source.Component : e.ReportingComponent,
            "type" => e.Type,
            _ => base.Field(obj, name),
        };
    }
}
