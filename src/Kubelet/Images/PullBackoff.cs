using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Images;

/// <summary>Spaces a Pod's tries to pull an image that cannot be pulled, and remembers why for those who ask meanwhile.</summary>
sealed class PullBackoff(TimeSpan initial, TimeSpan max)
{
    readonly RestartBackoff _delays = new(initial, max);
    readonly Dictionary<string, (DateTimeOffset At, string Error)> _last = []; // as many as the Pod's images

    public (DateTimeOffset Until, string Error)? Waits(string image, DateTimeOffset now) =>
        _last.TryGetValue(image, out var last) && _delays.Waits(image, last.At, now) is var (until, _) ? (until, last.Error) : null;

    public void Failed(string image, string error, DateTimeOffset now)
    {
        _delays.Next(image, now, now);
        _last[image] = (now, error);
    }

    public void Succeeded(string image)
    {
        _delays.Reset(image);
        _last.Remove(image);
    }
}
