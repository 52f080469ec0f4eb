using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

/// <summary>Tells subscribers what happens, each from its subscription on.</summary>
/// <remarks>At most 1,000 events wait for a subscriber; one that is further behind is ended with ResourceExhausted rather than thinned.</remarks>
internal sealed class EventFeed
{
    const int Backlog = 1000;

    readonly Lock _gate = new();
    readonly List<Channel<ContainerEventResponse>> _subscribers = [];

    public bool HasSubscribers
    {
        get
        {
            lock (_gate) return _subscribers.Count > 0;
        }
    }

    public void Publish(ContainerEventResponse @event)
    {
        lock (_gate)
        {
            _subscribers.RemoveAll(s => !s.Writer.TryWrite(@event.Clone())
                && s.Writer.TryComplete(new GrpcException(GrpcStatus.ResourceExhausted, $"subscriber is more than {Backlog} events behind")));
        }
    }

    public async IAsyncEnumerable<ContainerEventResponse> SubscribeAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var mine = Channel.CreateBounded<ContainerEventResponse>(
            new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
        lock (_gate) _subscribers.Add(mine);
        try
        {
            await foreach (var @event in mine.Reader.ReadAllAsync(ct)) yield return @event;
        }
        finally
        {
            lock (_gate) _subscribers.Remove(mine);
        }
    }
}
