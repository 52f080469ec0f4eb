using Hanbae.Api.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hanbae.Client;

/// <summary>Follows one resource: does what <see cref="WatchMachine"/> says until it is cancelled.</summary>
public sealed partial class Reflector(
    IApiTransport transport, ResourceInfo resource, ListQuery query, TimeProvider time, WatchOptions? options = null, ILogger? logger = null, Random? random = null)
{
    readonly WatchOptions _options = options ?? WatchOptions.Default;
    readonly ILogger _logger = logger ?? NullLogger.Instance;
    readonly Random _random = random ?? Random.Shared;

    /// <param name="sink">Called in order, one at a time.</param>
    public async Task RunAsync(Action<SyncEvent> sink, CancellationToken ct)
    {
        var machine = new WatchMachine(query, _options, new Backoff(time, _random), sink);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                switch (machine.Next)
                {
                    case WatchStep.List list:
                        var result = await transport.SendAsync(Requests.List(resource, list.Query), ct);
                        machine.OnPage(result.OrThrow().List ?? throw new InvalidDataException("the server answered a list with something else"));
                        break;
                    case WatchStep.Watch watch:
                        await WatchAsync(machine, watch, ct);
                        break;
                    case WatchStep.Pause pause:
                        await Task.Delay(pause.Delay, time, ct);
                        machine.OnPaused();
                        break;
                }
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                if (e is ApiException { IsExpired: true }) Log.Expired(_logger, resource.Gvr.ToString(), machine.ResourceVersion);
                else Log.Failed(_logger, e, resource.Gvr.ToString(), machine.Next.GetType().Name);
                machine.OnFailure(e);
            }
            catch (Exception) when (ct.IsCancellationRequested) { return; }
        }
    }

    async Task WatchAsync(WatchMachine machine, WatchStep.Watch step, CancellationToken ct)
    {
        var request = Requests.Watch(resource, query, step.ResourceVersion, _options.Timeout * (1 + _random.NextDouble()), step.InitialEvents);
        machine.OnOpened();
        await foreach (var e in transport.WatchAsync(request, ct)) machine.OnEvent(e);
        ct.ThrowIfCancellationRequested();
        machine.OnClosed();
    }

    static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Information, "watch of {Resource} at {ResourceVersion} expired: listing again")]
        public static partial void Expired(ILogger logger, string resource, string resourceVersion);

        [LoggerMessage(3002, LogLevel.Warning, "following {Resource} failed ({Step}): trying again later")]
        public static partial void Failed(ILogger logger, Exception e, string resource, string step);
    }
}
