using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Ownership;

/// <summary>Makes and deletes an owner's Pods, and tells so.</summary>
/// <remarks>Upstream's RealPodControl: the Events' words are the same for every kind of owner.</remarks>
sealed class PodWork(IClusterAccess cluster)
{
    /// <summary>A few first, so that a broken template costs few failures.</summary>
    /// <returns>The first failure, and how many were made.</returns>
    public async Task<(Exception? Error, int Made)> CreateAsync(IObject owner, IReadOnlyList<Pod> pods, CancellationToken ct)
    {
        int made = 0;
        var error = await SlowStart.RunAsync(pods, async pod =>
        {
            try
            {
                var created = await cluster.Client.CreateAsync(pod, ct);
                Interlocked.Increment(ref made);
                cluster.Recorder.Event(owner, "Normal", "SuccessfulCreate", "Created pod: " + created.Metadata.Name);
            }
            catch (Exception e) when (!ct.IsCancellationRequested && !Refusal.IsNamespaceTerminating(e))
            {
                cluster.Recorder.Event(owner, "Warning", "FailedCreate", "Error creating: " + e.Message);
                throw;
            }
        });
        return (error, made);
    }

    /// <returns>The first failure.</returns>
    public Task<Exception?> DeleteAsync(IObject owner, IReadOnlyCollection<Pod> pods, CancellationToken ct) => SlowStart.AllAsync(pods, async pod =>
    {
        try
        {
            await cluster.Client.DeleteAsync(pod, Preconditions.Uid(pod), ct);
            cluster.Recorder.Event(owner, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.Metadata.Name);
        }
        catch (ApiException e) when (e.IsNotFound) { }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            cluster.Recorder.Event(owner, "Warning", "FailedDelete", "Error deleting: " + e.Message);
            throw;
        }
    });
}
