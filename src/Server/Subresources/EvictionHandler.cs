using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Server.Admission;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Subresources;

/// <summary>Deletes a Pod if its disruption budget allows: what drains and autoscalers ask for.</summary>
sealed class EvictionHandler(ApiServer server) : IRestHandler
{
    const int MostDisrupted = 2000, RetryAfter = 10;
    const string Violated = "Cannot evict pod as it would violate the pod's disruption budget.";

    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        if (request.Info.Verb != "create") throw Statuses.MethodNotAllowed();
        var info = request.Info;
        var eviction = await request.ReadObjectAsync(Eviction.Info, ct, also: Api.Policy.V1beta1.Eviction.Info).ConfigureAwait(false) switch
        {
            Eviction body => body,
            Api.Policy.V1beta1.Eviction old => new() { Metadata = old.Metadata, DeleteOptions = old.DeleteOptions },
            _ => null,
        } ?? throw Statuses.BadRequest("the object provided is unrecognized (must be of type Eviction): couldn't get version/kind");
        if (eviction.Metadata.Name.Length > 0 && eviction.Metadata.Name != info.Name) throw Statuses.BadRequest("name in URL does not match name in Eviction object");
        var options = eviction.DeleteOptions ?? DeleteOptions.Empty;
        var pods = server.Resources.Find("", "v1", "pods")!;
        var write = Writes.RequestOf(request, pods);
        var item = await pods.Stored.GetAsync(info.Namespace, info.Name, ct).ConfigureAwait(false);
        await pods.Stored.AdmitAsync(write, Operation.Create, eviction, item.Object, ct).ConfigureAwait(false);
        if (!options.DryRun.IsEmpty) write = write with { DryRun = true };
        await SpendAsync(request, (Pod)item.Object, write.DryRun, ct).ConfigureAwait(false);
        if (!write.DryRun) options = await MarkAsync(request, pods, options, ct).ConfigureAwait(false);
        await pods.Stored.DeleteAsync(write with { Subresource = "", Admitted = true }, options, ct).ConfigureAwait(false);
        return Reply.Object(new Status { StatusValue = "Success", Code = 201 }, 201);
    }

    /// <summary>Says on the Pod that it is ended from outside, so that a Job need not count it as a failure (KEP-3329).</summary>
    /// <returns>The options, for the Pod as it is now.</returns>
    async ValueTask<DeleteOptions> MarkAsync(RequestContext request, Resource pods, DeleteOptions options, CancellationToken ct)
    {
        var write = Writes.RequestOf(request, pods) with { Subresource = "status", Admitted = true };
        var (marked, _) = await pods.Stored.UpdateAsync(write, old =>
        {
            pods.Stored.CheckPreconditions(old!.Metadata, options.Preconditions);
            return Marked((Pod)old);
        }, unconditional: true, ct).ConfigureAwait(false);
        return options.Preconditions?.ResourceVersion is null ? options
            : options with { Preconditions = options.Preconditions with { ResourceVersion = marked.Object.Metadata.ResourceVersion } };
    }

    Pod Marked(Pod pod)
    {
        var condition = new PodCondition
        {
            Type = "DisruptionTarget", Status = "True", Reason = "EvictionByEvictionAPI", Message = "Eviction API: evicting",
            LastTransitionTime = server.Options.Time.GetUtcNow(), ObservedGeneration = pod.Metadata.Generation,
        };
        int at = pod.Status.Conditions.IndexOf(c => c.Type == condition.Type);
        if (at >= 0 && pod.Status.Conditions[at].Status == "True") condition = condition with { LastTransitionTime = pod.Status.Conditions[at].LastTransitionTime };
        return pod with { Status = pod.Status with { Conditions = at < 0 ? pod.Status.Conditions.Add(condition) : pod.Status.Conditions.SetAt(at, condition) } };
    }

    /// <summary>Takes one disruption from the budget of the Pod, if it has one.</summary>
    async ValueTask SpendAsync(RequestContext request, Pod pod, bool dryRun, CancellationToken ct)
    {
        // What is over, or has not begun, is nobody's availability.
        if (pod.Status.Phase is "Succeeded" or "Failed" or "Pending" || pod.Metadata.DeletionTimestamp is not null) return;
        var served = server.Resources.Find("policy", "v1", "poddisruptionbudgets")!;
        var state = await served.Stored.Cache.CurrentAsync(ct).ConfigureAwait(false);
        PodDisruptionBudget? budget = null;
        foreach (var item in state.All.Between("", pod.Metadata.Namespace + "/"))
        {
            if (item.Object is not PodDisruptionBudget candidate || !candidate.Spec.Selector.ToSelector().Matches(pod.Metadata.Labels)) continue;
            if (budget is not null)
                throw Statuses.Unknown("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
            budget = candidate;
        }
        if (budget is null) return;
        var write = Writes.RequestOf(request, served) with { Name = budget.Metadata.Name, Subresource = "status", DryRun = dryRun, Admitted = true };
        await served.Stored.UpdateAsync(write, old => Spent((PodDisruptionBudget)old!, pod), unconditional: true, ct).ConfigureAwait(false);
    }

    PodDisruptionBudget Spent(PodDisruptionBudget budget, Pod pod)
    {
        var status = budget.Status;
        bool ready = pod.Status.Conditions.Exists(c => c.Type == "Ready" && c.Status == "True");
        // Unhealthy Pods go first: with AlwaysAllow always, else while the budget's own are healthy enough.
        if (!ready && (budget.Spec.UnhealthyPodEvictionPolicy == "AlwaysAllow" || status.CurrentHealthy >= status.DesiredHealthy && status.DesiredHealthy > 0)) return budget;
        if (status.ObservedGeneration < budget.Metadata.Generation) throw Refused($"The disruption budget {budget.Metadata.Name} is still being processed by the server.", RetryAfter);
        if (status.DisruptionsAllowed < 0)
            throw Statuses.Forbidden(new("policy", "poddisruptionbudget"), budget.Metadata.Name, "pdb disruptions allowed is negative");
        if (status.DisruptedPods.Count > MostDisrupted)
            throw Statuses.Forbidden(new("policy", "poddisruptionbudget"), budget.Metadata.Name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
        if (status.DisruptionsAllowed == 0)
            throw Refused(Why(budget), 0);
        if (status.DisruptionsAllowed == 1) status = status with { Conditions = Exhausted(status) };
        return budget with
        {
            Status = status with { DisruptionsAllowed = status.DisruptionsAllowed - 1, DisruptedPods = status.DisruptedPods.Set(pod.Metadata.Name, server.Options.Time.GetUtcNow()) },
        };
    }

    /// <summary>The last is spent: whoever reads the condition shall not hope until the controller has looked.</summary>
    Seq<Condition> Exhausted(PodDisruptionBudgetStatus status)
    {
        int at = status.Conditions.IndexOf(c => c.Type == "DisruptionAllowed");
        var was = at < 0 ? null : status.Conditions[at];
        var condition = new Condition
        {
            Type = "DisruptionAllowed", Status = "False", Reason = "InsufficientPods", ObservedGeneration = status.ObservedGeneration,
            LastTransitionTime = was is { Status: "False" } ? was.LastTransitionTime : server.Options.Time.GetUtcNow(),
        };
        return at < 0 ? status.Conditions.Add(condition) : status.Conditions.SetAt(at, condition);
    }

    /// <summary>Why a budget allows nothing: what its condition says tells more than its counts when those are not the reason.</summary>
    static string Why(PodDisruptionBudget budget)
    {
        var (name, status) = (budget.Metadata.Name, budget.Status);
        var told = status.Conditions.FirstOrDefault(c => c is { Type: "DisruptionAllowed", Status: "False", Message.Length: > 0 });
        if (told is { Reason: "SyncFailed" }) return $"The disruption budget {name} does not allow evicting pods currently because it failed sync: {told.Message}";
        if (status.CurrentHealthy <= status.DesiredHealthy) return $"The disruption budget {name} needs {status.DesiredHealthy} healthy pods and has {status.CurrentHealthy} currently";
        return $"The disruption budget {name} does not allow evicting pods currently" + (told is null ? "" : $" ({told.Reason}): {told.Message}");
    }

    static StatusException Refused(string why, int retryAfter) => new(Statuses.Failure(429, "TooManyRequests", Violated, new()
    {
        RetryAfterSeconds = retryAfter, Causes = [new() { Reason = "DisruptionBudget", Message = why }],
    }));
}
