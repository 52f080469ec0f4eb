using System.Globalization;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.V1;
using Hanbae.Grpc;
using Hanbae.Kubelet.Devices;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Runtime;
using Hanbae.Kubelet.Statuses;
using Hanbae.Kubelet.Volumes;
using Container = Hanbae.Api.Core.V1.Container;

namespace Hanbae.Kubelet.Pods;

/// <summary>A container was not started, and what its status is to say about it.</summary>
sealed class StartException(string reason, string message, DateTimeOffset? again = null) : Exception(message)
{
    public Waiting Waiting => new(reason, Message);
    public DateTimeOffset? Again => again;
}

/// <summary>Starts one container of a Pod: back-off, image, configuration, creation, start, hook.</summary>
/// <param name="whole">For calls that the runtime is not to be left alone with: it would take a start that is broken off for a container that failed.</param>
sealed class ContainerStarter(PodContext context, RestartBackoff restarts, PullBackoff pulls, CancellationToken whole)
{
    /// <summary>Told of images that come; null for nobody.</summary>
    public Stats.PodStartup? Startup { get; init; }

    /// <param name="pod">With its addresses in its status.</param>
    /// <exception cref="StartException"/>
    public async Task StartAsync(Pod pod, Container container, RuntimePod runtime, PodSandboxConfig sandbox, PreparedVolumes volumes, CancellationToken ct)
    {
        string field = pod.Spec.FieldPath(container.Name);
        var newest = runtime.Newest(container.Name);
        if (newest is { State: RuntimeState.Exited }) BackOff(pod, container, newest, field);

        ContainerConfig config;
        try
        {
            PresentImage image;
            using (Startup?.Pulls()) image = await context.Images.EnsureAsync(pod, container, sandbox, pulls, ct).ConfigureAwait(false);
            SecurityContexts.CheckNonRoot(pod, container, image.Uid, image.UserName);
            int attempt = newest is null ? context.StaticStarts.Before(pod.Metadata.Uid, container.Name) : newest.RestartCount + 1;
            config = await ConfigAsync(pod, container, attempt, image.Reference, runtime, sandbox, volumes, ct).ConfigureAwait(false);
        }
        catch (ImageException e)
        {
            context.Events.Event(pod, "Warning", "Failed", "Error: " + e.Reason, field);
            throw new StartException(e.Reason, e.Message, e.Again);
        }
        catch (Exception e) when (e is ContainerConfigException or VolumeException or IOException or DeviceException || e is GrpcException && !ct.IsCancellationRequested)
        {
            context.Events.Event(pod, "Warning", "Failed", "Error: " + e.Message, field);
            throw new StartException("CreateContainerConfigError", e.Message);
        }
        string kind = pod.Spec.KindOf(container.Name);
        context.Figures.Count("kubelet_started_containers_total", ("container_type", kind));
        string id;
        int images = container.VolumeMounts.Count(m => volumes.ByName.TryGetValue(m.Name, out var v) && v.ImageReference.Length > 0);
        try { id = await CreateAsync(pod, runtime.Sandbox!.Id, config, sandbox, images, field, ct).ConfigureAwait(false); }
        catch (StartException e)
        {
            context.Figures.Count("kubelet_started_containers_errors_total", ("code", e.Waiting.Reason), ("container_type", kind));
            throw;
        }
        await AfterStartAsync(pod, container, id, field, ct).ConfigureAwait(false);
    }

    void BackOff(Pod pod, Container container, RuntimeContainer ended, string field)
    {
        string key = container.Name + " " + PodContainers.HashOf(container);
        var (now, since) = (context.Time.GetUtcNow(), ended.FinishedAt ?? ended.CreatedAt);
        if (restarts.Waits(key, since, now) is var (until, delay))
        {
            context.Events.Event(pod, "Warning", "BackOff", $"Back-off restarting failed container {container.Name} in pod {pod.Describe()}", field);
            throw new StartException("CrashLoopBackOff", $"back-off {RestartBackoff.Go(delay)} restarting failed container={container.Name} pod={pod.Describe()}", until);
        }
        restarts.Next(key, since, now);
    }

    async Task<ContainerConfig> ConfigAsync(Pod pod, Container container, int attempt, string image, RuntimePod runtime, PodSandboxConfig sandbox, PreparedVolumes volumes, CancellationToken ct)
    {
        var environment = await context.Environments.ForAsync(pod, container, ct).ConfigureAwait(false);
        string uid = pod.Metadata.Uid, folder = context.Options.Folders.Container(uid, container.Name);
        Directory.CreateDirectory(folder);
        // The runtime makes the log file, but not the folder that it goes into.
        Directory.CreateDirectory(Path.Combine(context.Options.Folders.Log(pod.Metadata.Namespace, pod.Metadata.Name, uid), container.Name));

        var devices = container.VolumeDevices.Select(d => !volumes.ByName.TryGetValue(d.Name, out var volume) || !volume.IsDevice
            ? throw new ContainerConfigException($"cannot find volume \"{d.Name}\" to pass into container \"{container.Name}\"")
            : new Device { ContainerPath = d.DevicePath, HostPath = volume.HostPath, Permissions = volume.ReadOnly ? "mr" : "mrw" }).ToArray();
        var mounts = new List<Mount>();
        foreach (var mount in container.VolumeMounts) mounts.Add(await MountAsync(pod, container, mount, environment, sandbox, volumes, ct).ConfigureAwait(false));
        if (!mounts.Exists(m => m.ContainerPath == "/etc/hosts"))
            mounts.Add(new Mount { ContainerPath = "/etc/hosts", HostPath = context.Options.Folders.Hosts(uid), Readonly = container.SecurityContext?.ReadOnlyRootFilesystem == true });
        if (container.TerminationMessagePath.Length > 0)
        {
            string file = Path.Combine(folder, Guid.NewGuid().ToString("N")[..8]);
            await File.WriteAllBytesAsync(file, [], ct).ConfigureAwait(false);
            File.SetUnixFileMode(file, (UnixFileMode)0b110_110_110); // whoever the container runs as
            mounts.Add(new Mount { ContainerPath = container.TerminationMessagePath, HostPath = file });
        }
        string? target = pod.Spec.EphemeralContainers.Find(e => e.Name == container.Name) is { TargetContainerName.Length: > 0 } ephemeral
            ? runtime.Current(ephemeral.TargetContainerName)?.Id ?? throw new ContainerConfigException($"unable to find target container {ephemeral.TargetContainerName}")
            : null;
        var config = ContainerConfigs.For(pod, container, attempt, image, environment, mounts, context.Options, context.NodeMemory, target);
        config.Devices.Add(devices);
        var groups = config.Linux.SecurityContext.SupplementalGroups;
        groups.Add(volumes.ByName.Values.Select(v => v.Group).OfType<long>().Distinct().Where(g => !groups.Contains(g)).Order());
        if (sandbox.Linux.SecurityContext.NamespaceOptions.UsernsOptions is { } users)
        {
            config.Linux.SecurityContext.NamespaceOptions.UsernsOptions = users;
            // Files in volumes belong to the same users inside as outside.
            foreach (var mount in config.Mounts)
            {
                mount.UidMappings.Add(users.Uids);
                mount.GidMappings.Add(users.Gids);
            }
        }
        context.Placements?.AddTo(config.Linux.Resources, pod, container);
        if (context.Devices is { } own) await own.AddToAsync(config, pod, container, ct).ConfigureAwait(false);
        return config;
    }

    async Task<Mount> MountAsync(Pod pod, Container container, VolumeMount mount, ContainerEnvironment environment, PodSandboxConfig sandbox, PreparedVolumes volumes, CancellationToken ct)
    {
        if (!volumes.ByName.TryGetValue(mount.Name, out var volume)) throw new ContainerConfigException($"cannot find volume \"{mount.Name}\" to mount into container \"{container.Name}\"");
        if (volume.IsDevice) throw new ContainerConfigException($"volume \"{mount.Name}\" is a block device: it has no files to mount into container \"{container.Name}\"");
        string subPath = mount.SubPathExpr.Length > 0 ? environment.Expand(mount.SubPathExpr, strict: true) : mount.SubPath;
        var made = new Mount
        {
            ContainerPath = mount.MountPath.StartsWith('/') ? mount.MountPath : "/" + mount.MountPath,
            HostPath = volume.HostPath,
            Readonly = mount.ReadOnly || volume.ReadOnly,
            Propagation = mount.MountPropagation switch
            {
                "HostToContainer" => MountPropagation.PropagationHostToContainer,
                "Bidirectional" => MountPropagation.PropagationBidirectional,
                _ => MountPropagation.PropagationPrivate,
            },
        };
        made.RecursiveReadOnly = ReadOnlyMounts.IsRecursive(mount, context.MountsReadOnlyRecursively(mount.RecursiveReadOnly is null ? "" : await context.RuntimeHandler(pod, ct).ConfigureAwait(false)));
        if (volume.ImageReference.Length > 0)
        {
            var source = pod.Spec.Volumes.Find(v => v.Name == mount.Name)!.Image!;
            context.Figures.Count("kubelet_image_volume_requested_total");
            made.Readonly = true;
            try
            {
                var image = await context.Images.EnsureAsync(pod, container with { Image = source.Reference, ImagePullPolicy = source.PullPolicy }, sandbox, pulls, ct).ConfigureAwait(false);
                if (context.ImageMounts is not { } mounts)
                {
                    (made.Image, made.ImageSubPath) = (new() { Image = image.Reference, UserSpecifiedImage = source.Reference }, subPath);
                    return made;
                }
                made.HostPath = await mounts.MountAsync(pod, mount.Name, image.Id, ct).ConfigureAwait(false);
            }
            catch (Exception) when (!ct.IsCancellationRequested)
            {
                context.Figures.Count("kubelet_image_volume_mounted_errors_total");
                throw;
            }
            volume = volume with { HostPath = made.HostPath };
            volumes = new(new Dictionary<string, PreparedVolume> { [mount.Name] = volume });
        }
        if (subPath.Length > 0) made.HostPath = await context.Volumes.SubPathAsync(pod, container.Name, mount, subPath, volumes, ct).ConfigureAwait(false);
        return made;
    }

    async Task<string> CreateAsync(Pod pod, string sandboxId, ContainerConfig config, PodSandboxConfig sandbox, int images, string field, CancellationToken ct)
    {
        string id;
        ct.ThrowIfCancellationRequested();
        try { id = await context.Cri.CreateContainerAsync(sandboxId, config, sandbox, whole).ConfigureAwait(false); }
        catch (GrpcException e) when (!whole.IsCancellationRequested)
        {
            for (int i = 0; i < images; i++) context.Figures.Count("kubelet_image_volume_mounted_errors_total");
            context.Events.Event(pod, "Warning", "Failed", "Error: " + e.Detail, field);
            throw new StartException("CreateContainerError", e.Detail);
        }
        for (int i = 0; i < images; i++) context.Figures.Count("kubelet_image_volume_mounted_succeed_total");
        context.Events.Event(pod, "Normal", "Created", $"Created container: {config.Metadata.Name}", field);
        ct.ThrowIfCancellationRequested();
        try { await context.Cri.StartContainerAsync(id, whole).ConfigureAwait(false); }
        catch (GrpcException e) when (!whole.IsCancellationRequested)
        {
            context.Events.Event(pod, "Warning", "Failed", "Error: " + e.Detail, field);
            throw new StartException("RunContainerError", e.Detail);
        }
        context.Events.Event(pod, "Normal", "Started", $"Started container {config.Metadata.Name}", field);
        LogLinks.Make(context.Options.Folders, pod, config.Metadata.Name, id, Path.Combine(sandbox.LogDirectory, config.LogPath));
        return id;
    }

    async Task AfterStartAsync(Pod pod, Container container, string id, string field, CancellationToken ct)
    {
        if (container.Lifecycle?.PostStart is not { } hook) return;
        try { await Hooks.RunAsync(context, pod, container, id, hook, ct).ConfigureAwait(false); }
        catch (HookException e)
        {
            context.Events.Event(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", field);
            var running = new RuntimeContainer { Id = id, Name = container.Name, SandboxId = "", State = RuntimeState.Running };
            await new PodKiller(context).KillAsync(pod, running, null, "FailedPostStartHook", Task.CompletedTask, ct).ConfigureAwait(false);
            throw new StartException("PostStartHookError", e.Message);
        }
    }
}
