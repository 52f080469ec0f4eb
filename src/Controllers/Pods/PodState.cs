using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Pods;

/// <summary>Reads what controllers need to know from a Pod's status.</summary>
static class PodState
{
    extension(Pod pod)
    {
        /// <summary>It has ended and will not run again.</summary>
        public bool IsTerminal => pod.Status.Phase is "Succeeded" or "Failed";

        /// <summary>It counts as a replica: neither ended nor about to be.</summary>
        public bool IsActive => !pod.IsTerminal && pod.Metadata.DeletionTimestamp is null;

        /// <summary>It is about to end.</summary>
        public bool IsTerminating => !pod.IsTerminal && pod.Metadata.DeletionTimestamp is not null;

        public PodCondition? ReadyCondition => pod.Condition("Ready");

        public bool IsReady => pod.ReadyCondition is { Status: "True" };

        /// <summary>When it became ready; null while it is not.</summary>
        public DateTimeOffset? ReadySince => pod.ReadyCondition is { Status: "True" } ready ? ready.LastTransitionTime : null;

        public PodCondition? Condition(string type)
        {
            foreach (var condition in pod.Status.Conditions) if (condition.Type == type) return condition;
            return null;
        }

        /// <summary>Since when, or from when on, it counts as available; null while it is not ready.</summary>
        public DateTimeOffset? AvailableFrom(int minReadySeconds) =>
            !pod.IsReady ? null : minReadySeconds == 0 ? DateTimeOffset.MinValue : pod.ReadySince?.AddSeconds(minReadySeconds);

        public bool IsAvailable(int minReadySeconds, DateTimeOffset now) => pod.AvailableFrom(minReadySeconds) <= now;
    }
}
