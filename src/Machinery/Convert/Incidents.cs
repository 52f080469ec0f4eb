using Hanbae.Api;
using Core = Hanbae.Api.Core.V1;
using Events = Hanbae.Api.Events.V1;

namespace Hanbae.Machinery.Convert;

/// <summary>Events: one resource under two groups, which name its fields differently.</summary>
static class Incidents
{
    public static Events.Event New(Core.Event e) => new()
    {
        Metadata = e.Metadata, EventTime = e.EventTime, ReportingController = e.ReportingComponent, ReportingInstance = e.ReportingInstance,
        Series = e.Series is { } s ? new() { Count = s.Count, LastObservedTime = s.LastObservedTime } : null,
        Action = e.Action, Reason = e.Reason, Regarding = e.InvolvedObject, Related = e.Related, Note = e.Message, Type = e.Type,
        DeprecatedSource = e.Source, DeprecatedFirstTimestamp = e.FirstTimestamp, DeprecatedLastTimestamp = e.LastTimestamp, DeprecatedCount = e.Count,
    };

    public static Core.Event Old(Events.Event e) => new()
    {
        Metadata = e.Metadata, EventTime = e.EventTime, ReportingComponent = e.ReportingController, ReportingInstance = e.ReportingInstance,
        Series = e.Series is { } s ? new() { Count = s.Count, LastObservedTime = s.LastObservedTime } : null,
        Action = e.Action, Reason = e.Reason, InvolvedObject = e.Regarding, Related = e.Related, Message = e.Note, Type = e.Type,
        Source = e.DeprecatedSource, FirstTimestamp = e.DeprecatedFirstTimestamp, LastTimestamp = e.DeprecatedLastTimestamp, Count = e.DeprecatedCount,
    };
}
