using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Controllers.HorizontalPodAutoscalers;

/// <summary>An autoscaler's status in the making: conditions keep the time of their last change.</summary>
readonly record struct AutoscalerStatus(HorizontalPodAutoscalerStatus Status, DateTimeOffset Now)
{
    public AutoscalerStatus With(string type, bool holds, string reason, string message)
    {
        string value = holds ? "True" : "False";
        int at = Status.Conditions.IndexOf(c => c.Type == type);
        var condition = new HorizontalPodAutoscalerCondition { Type = type, Status = value, LastTransitionTime = Now, Reason = reason, Message = message };
        if (at >= 0 && Status.Conditions[at].Status == value) condition = condition with { LastTransitionTime = Status.Conditions[at].LastTransitionTime };
        return this with { Status = Status with { Conditions = at < 0 ? Status.Conditions.Add(condition) : Status.Conditions.SetAt(at, condition) } };
    }

    public AutoscalerStatus Set(HorizontalPodAutoscaler of, int current, int desired, Seq<MetricStatus> metrics, bool rescaled) => this with
    {
        Status = Status with { CurrentReplicas = current, DesiredReplicas = desired, CurrentMetrics = metrics, LastScaleTime = rescaled ? Now : of.Status.LastScaleTime },
    };
}
