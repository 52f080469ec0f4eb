using Google.Protobuf;
using Hanbae.Cri.V1;

namespace Hanbae.Cri.Fake;

/// <summary>What a fake runtime is given.</summary>
public sealed record FakeCriOptions
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where sandboxes get their addresses from, one range per family.</summary>
    /// <remarks>Empty waits for UpdateRuntimeConfig, with NetworkReady false until then.</remarks>
    public IReadOnlyList<string> PodCidrs { get; init; } = [];

    /// <summary>Images by name.</summary>
    public IReadOnlyDictionary<string, FakeImage> Images { get; init; } = new Dictionary<string, FakeImage>();

    /// <summary>Decides on names that <see cref="Images"/> lacks; null is "not found".</summary>
    public Func<string, FakeImage?> OtherImages { get; init; } = _ => null;

    /// <summary>RuntimeClass handlers beside the default one.</summary>
    public IReadOnlyList<string> Handlers { get; init; } = ["runc"];

    public CgroupDriver CgroupDriver { get; init; } = CgroupDriver.Cgroupfs;

    /// <summary>The URL for an Exec, Attach or PortForward request; null answers them with Unimplemented.</summary>
    public Func<IMessage, string>? Streaming { get; init; }

    /// <summary>Told to image GC as the image file system.</summary>
    public string ImageFsMountpoint { get; init; } = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
}
