using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Ownership;

/// <summary>Makes and deletes an owner's Pods, tells so, and notes what the caches have yet to show.</summary>
/// <remarks>Upstream's RealPodControl with its expectations: the Events' words are the same for every kind of owner.</remarks>
sealed class PodWork(IClusterAccess cluster)
{
    /// <summary>What was asked for and is not seen yet.</summary>
    public Expectations Expected { get; } = new(cluster.Time);

    readonly Unanswered<Pod> _unanswered = new(cluster.Client);

    /// <summary>What was asked for and not answered is settled before anything else is decided: what was made is waited for, what was not is made again.</summary>
    public Task SettleAsync(Key owner, CancellationToken ct) =>
        _unanswered.SettleAsync(owner, (_, there) => { if (there is null) Expected.Created(owner); }, ct);

    /// <summary>The owner is gone, and all that was expected for it.</summary>
    public void Forget(Key owner)
    {
        Expected.Forget(owner);
        _unanswered.Forget(owner);
    }

    /// <summary>A few first, so that a broken template costs few failures.</summary>
    /// <returns>The first failure, and how many were made.</returns>
    public async Task<(Exception? Error, int Made)> CreateAsync(IObject owner, IReadOnlyList<Pod> pods, CancellationToken ct)
    {
        if (pods.Count == 0) return default;
        var key = Key.Of(owner);
        int made = 0;
        Expected.Creations(key, pods.Count);
        var (begun, error) = await SlowStart.RunAsync(pods, async pod =>
        {
            try
            {
                var created = await _unanswered.CreateAsync(key, pod, ct);
                Interlocked.Increment(ref made);
                cluster.Recorder.Event(owner, "Normal", "SuccessfulCreate", "Created pod: " + created.Metadata.Name);
            }
            catch (Exception e)
            {
                // It may be there all the same, and is asked after before anything else is done.
                if (!Unanswered<Pod>.IsNoAnswer(e)) Expected.Created(key);
                if (!ct.IsCancellationRequested && !Refusal.IsNamespaceTerminating(e))
                    cluster.Recorder.Event(owner, "Warning", "FailedCreate", "Error creating: " + e.Message);
                throw;
            }
        });
        for (int i = begun; i < pods.Count; i++) Expected.Created(key);
        return (error, made);
    }

    /// <returns>The first failure.</returns>
    public async Task<Exception?> DeleteAsync(IObject owner, IReadOnlyCollection<Pod> pods, CancellationToken ct)
    {
        if (pods.Count == 0) return null;
        var key = Key.Of(owner);
        Expected.Deletions(key, pods.Select(p => p.Metadata.Uid));
        return await SlowStart.AllAsync(pods, async pod =>
        {
            try
            {
                await cluster.Client.DeleteAsync(pod, Preconditions.Uid(pod), ct);
                cluster.Recorder.Event(owner, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.Metadata.Name);
            }
            catch (Exception e)
            {
                Expected.Deleted(key, pod.Metadata.Uid);
                if (e is ApiException { IsNotFound: true }) return;
                if (!ct.IsCancellationRequested) cluster.Recorder.Event(owner, "Warning", "FailedDelete", "Error deleting: " + e.Message);
                throw;
            }
        });
    }
}
