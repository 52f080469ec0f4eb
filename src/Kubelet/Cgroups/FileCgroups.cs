namespace Hanbae.Kubelet.Cgroups;

/// <summary>The driver <c>cgroupfs</c>: cgroups are folders that the kubelet makes.</summary>
sealed class FileCgroups(CgroupTree tree) : ICgroupDriver
{
    public Task EnsureAsync(string path, CgroupLimits limits, CancellationToken ct)
    {
        tree.Make(path);
        tree.Write(path, limits);
        return Task.CompletedTask;
    }

    public Task<bool> RemoveAsync(string path, CancellationToken ct) => Task.FromResult(tree.Remove(path));

    public bool Exists(string path) => tree.Exists(path);

    public IReadOnlySet<string> Children(string path) => tree.Children(path);

    public ValueTask DisposeAsync() => default;
}
