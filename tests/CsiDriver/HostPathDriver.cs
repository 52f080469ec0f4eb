using System.Collections.Concurrent;
using Google.Protobuf;
using Hanbae.Cri.Csi;
using Hanbae.Grpc;
using Hanbae.Grpc.Server;

namespace Hanbae.CsiDriver;

/// <summary>A storage driver for tests: volumes are folders of the machine, block volumes loop devices over files.</summary>
public sealed partial class HostPathDriver
{
    readonly DriverOptions _options;
    readonly Shelf _volumes, _snapshots;

    public HostPathDriver(DriverOptions options)
    {
        _options = options;
        (_volumes, _snapshots) = (new(Path.Combine(options.State, "volumes")), new(Path.Combine(options.State, "snapshots")));
    }

    /// <summary>Every call in its order, by name, once it was asked for. Bound: a test's.</summary>
    public ConcurrentQueue<(string Call, IMessage Request)> Calls { get; } = new();

    /// <summary>Asked before each call is served: what it throws is the answer.</summary>
    public Func<string, IMessage, CancellationToken, Task> Before { get; set; } = (_, _, _) => Task.CompletedTask;

    public GrpcService Service()
    {
        var service = new GrpcService();
        Add(service, CsiMethods.GetPluginInfo, _ => new() { Name = _options.Name, VendorVersion = "test" });
        Add(service, CsiMethods.Probe, _ => new() { Ready = true });
        Add(service, CsiMethods.GetPluginCapabilities, _ => PluginCapabilities());
        AddNode(service);
        if (_options.HasController) AddController(service);
        return service;
    }

    void Add<TRequest, TResponse>(GrpcService service, GrpcMethod<TRequest, TResponse> method, Func<TRequest, TResponse> answer)
        where TRequest : class, IMessage<TRequest> where TResponse : class, IMessage<TResponse> =>
        service.Unary(method, async (request, ct) =>
        {
            Calls.Enqueue((method.Name, request));
            await Before(method.Name, request, ct);
            lock (_volumes) return answer(request);
        });

    GetPluginCapabilitiesResponse PluginCapabilities()
    {
        var answer = new GetPluginCapabilitiesResponse();
        if (_options.HasController) answer.Capabilities.Add(new PluginCapability { Service = new() { Type = PluginCapability.Types.Service.Types.Type.ControllerService } });
        answer.Capabilities.Add(new PluginCapability { Service = new() { Type = PluginCapability.Types.Service.Types.Type.VolumeAccessibilityConstraints } });
        answer.Capabilities.Add(new PluginCapability { VolumeExpansion = new() { Type = PluginCapability.Types.VolumeExpansion.Types.Type.Online } });
        return answer;
    }

    static GrpcException NotFound(string what) => new(GrpcStatus.NotFound, what + " not found");
}
