using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Client;

namespace Hanbae.Bench.Scheduler;

/// <summary>A scheduler's access to its cluster, which counts the refusals that it tells of: nobody follows Events while scheduler_perf measures, so nobody does here.</summary>
sealed class Counted(IClusterAccess access, Action refused) : IClusterAccess, IRecorder
{
    public IClient Client => access.Client;
    public IRecorder Recorder => this;
    public TimeProvider Time => access.Time;
    public ICache<T> Cache<T>() where T : class, IObject<T> => access.Cache<T>();
    public ICache<T> Cache<T>(ListQuery part) where T : class, IObject<T> => access.Cache<T>(part);

    public void Event(IObject about, string type, string reason, string message, string fieldPath = "")
    {
        if (reason == "FailedScheduling") refused();
        access.Recorder.Event(about, type, reason, message, fieldPath);
    }
}
