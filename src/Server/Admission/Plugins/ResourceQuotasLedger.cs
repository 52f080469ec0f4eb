using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Takes one namespace's charges together, so that a hundred objects at once cost its quotas one write and not a hundred conflicts.</summary>
/// <remarks>Whoever comes while nobody writes does the writing, for all that waits by then. A quota changed meanwhile means to charge anew: the store compares and swaps.</remarks>
sealed class ResourceQuotasLedger(string ns, ServedObjects objects)
{
    const int Tries = 8;
    static readonly Identity s_self = new("system:apiserver", ["system:masters"]);

    readonly Lock _lock = new();
    List<Waiting> _waiting = [];
    bool _busy;

    /// <param name="Apply">The quota after the charge, or the same; throws what the client is to be told.</param>
    public sealed record Charge(AdmissionRequest Request, Func<ResourceQuota, ResourceQuota> Apply);

    sealed record Waiting(Charge Charge, TaskCompletionSource Done);

    /// <summary>Done when the charge is stored.</summary>
    public Task ChargeAsync(Charge charge)
    {
        var mine = new Waiting(charge, new(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            _waiting.Add(mine);
            if (_busy) return mine.Done.Task;
            _busy = true;
        }
        _ = WorkAsync();
        return mine.Done.Task;
    }

    /// <summary>Runs on behalf of others, too: nobody's cancellation is its own.</summary>
    async Task WorkAsync()
    {
        while (true)
        {
            List<Waiting> batch;
            lock (_lock)
            {
                if (_waiting.Count == 0) { _busy = false; return; }
                (batch, _waiting) = (_waiting, []);
            }
            try { await SettleAsync(batch).ConfigureAwait(false); }
            catch (Exception e) { foreach (var waiting in batch) waiting.Done.TrySetException(e); }
        }
    }

    async Task SettleAsync(List<Waiting> batch)
    {
        var open = batch;
        for (int attempt = 1; open.Count > 0; attempt++)
        {
            var stored = await objects.ListAsync<ResourceQuota>(ns, default).ConfigureAwait(false);
            var (now, charged) = (stored.ToArray(), new List<Waiting>());
            foreach (var waiting in open)
                try
                {
                    // All quotas or none.
                    var next = Array.ConvertAll(now, waiting.Charge.Apply.Invoke);
                    if (waiting.Charge.Request.DryRun || next.SequenceEqual(now, ReferenceEqualityComparer.Instance)) waiting.Done.TrySetResult();
                    else (now, _) = (next, Add(charged, waiting));
                }
                catch (StatusException e) { waiting.Done.TrySetException(e); }
            bool all = true;
            for (int i = 0; i < now.Length && all; i++)
                if (!ReferenceEquals(now[i], stored[i])) all = await WriteAsync(now[i]).ConfigureAwait(false);
            if (all)
            {
                foreach (var waiting in charged) waiting.Done.TrySetResult();
                return;
            }
            // What the quotas before the conflicting one were charged for is charged again: too much for a moment, never too little.
            if (attempt == Tries) throw Statuses.Conflict(Resources.Of<ResourceQuota>().Gvr.GroupResource, "", "the quota is changed faster than it can be charged; please try again");
            open = charged;
        }
    }

    static bool Add(List<Waiting> to, Waiting one) { to.Add(one); return true; }

    /// <returns>False when it is not the stored one any more.</returns>
    async Task<bool> WriteAsync(ResourceQuota quota)
    {
        var info = Resources.Of<ResourceQuota>();
        if (objects.Stored(info.Gvr.GroupResource) is not { } stored) return true;
        var write = new WriteRequest { Resource = info, Namespace = ns, Name = quota.Metadata.Name, Subresource = "status", Verb = "update", Admitted = true, User = s_self, Warnings = [] };
        try
        {
            await stored.UpdateAsync(write, _ => quota, unconditional: false, default).ConfigureAwait(false);
            return true;
        }
        catch (StatusException e) when (e.Reason is "Conflict" or "NotFound") { return false; }
    }
}
