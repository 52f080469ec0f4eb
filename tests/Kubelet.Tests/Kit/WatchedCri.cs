using System.Reflection;
using Hanbae.Cri;

namespace Hanbae.Kubelet.Tests;

/// <summary>A runtime that says what it is asked, and with which token, before it does it.</summary>
public class WatchedCri : DispatchProxy
{
    ICri _inner = null!;
    Action<string, CancellationToken> _onCall = null!;

    public static ICri Around(ICri inner, Action<string, CancellationToken> onCall)
    {
        var cri = Create<ICri, WatchedCri>();
        var self = (WatchedCri)(object)cri;
        (self._inner, self._onCall) = (inner, onCall);
        return cri;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _onCall(targetMethod!.Name, args!.OfType<CancellationToken>().FirstOrDefault());
        return targetMethod.Invoke(_inner, args);
    }
}
